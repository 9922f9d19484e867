//! Tests crates that request a snapshot in Cargo.toml: a command and a reactor.

use std::path::Path;

use super::{canister, edit};
use crate::tool::Tool;

pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    for (template, args, expected) in [
        ("capi", &[][..], "Rust read 42"),
        ("reactor", &["--invoke", "add(40)", "--invoke", "add(2)"], "40\n42"),
    ] {
        let words = ["new", "--template", template, "--recipe", "full", template];
        tool.call_in(scratch.path(), &words)?;
        let dir = scratch.path().join(template);
        let table = "[package.metadata.pywasm]\n";
        let with_snapshot = format!("{table}snapshot = {{ imports = [\"json\", \"random\"] }}\n");
        edit(&dir.join("Cargo.toml"), table, &with_snapshot)?;
        let module = canister::build(tool, &dir, &[])?.display().to_string();
        // Starting Python would take at least 60 million instructions. A snapshot needs fewer than
        // 20 million, most of which finalize Python.
        let args = [&["run-wasm", "--fuel", "20000000"], args, &[module.as_str()]].concat();
        let output = tool.read_in(&dir, &args)?;
        anyhow::ensure!(output.ends_with(expected), "{template}: unexpected output {output:?}");
        if template == "capi" {
            runs_are_independent(tool, &dir)?;
        }
    }
    Ok(())
}

/// Runs a snapshot twice, and checks that each run has its own environment variables, directories
/// and random numbers.
fn runs_are_independent(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    const PROGRAM: &str = "import os, random\n\
        print(os.environ.get('NAME'), os.listdir('/given'), random.random(), flush=True)\n";
    edit(&dir.join("src/main.rs"), "import sys\n", &format!("import sys\n{PROGRAM}"))?;
    let module = canister::build(tool, dir, &[])?.display().to_string();
    let mut numbers = Vec::new();
    for name in ["one", "two"] {
        let given = dir.join(name);
        std::fs::create_dir_all(given.join(format!("file-{name}")))?;
        let (given, variable) = (format!("{}::/given", given.display()), format!("NAME={name}"));
        let args = ["run-wasm", "--no-cwd", "--dir", &given, "--env", &variable, &module];
        let output = tool.read_in(dir, &args)?;
        let line = output.lines().next().unwrap_or_default();
        let (found, number) = line.rsplit_once(' ').unwrap_or_default();
        anyhow::ensure!(found == format!("{name} ['file-{name}']"), "unexpected output {output:?}");
        numbers.push(number.to_owned());
    }
    anyhow::ensure!(
        numbers[0] != numbers[1],
        "two runs of a snapshot printed the same random number: {numbers:?}"
    );
    Ok(())
}
