//! `examples/canister`, built for deployment and tested on the local host; with what is wrong on purpose
//! beside it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::tool::{Tool, root};

/// Files of the example that a copy of it needs.
const FILES: [&str; 9] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "build.rs",
    "python/rules.py",
    "src/lib.rs",
    "src/python.rs",
    "src/state.rs",
    "src/types.rs",
];

/// All of it.
pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    eprintln!("\n   -- examples/canister");
    let dir = root().join("examples/canister");
    tool.call_in(&dir, &["install"])?;
    tool.cargo(&dir, &["fmt", "--check"])?;
    tool.cargo(&dir, &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"])?;
    let module = built(tool, &dir, &["--release"])?;
    is_told(tool, &dir)?;
    let place = tempfile::tempdir()?;
    // Its stable memory is that of a later version.
    let next = copy(&place.path().join("next"), "src/state.rs", |text| {
        text.replace("const VERSION: u32 = 1;", "const VERSION: u32 = 2;")
    })?;
    // Its rules raise when they are imported.
    let raising = copy(&place.path().join("raising"), "python/rules.py", |text| {
        format!("{text}\n\nraise RuntimeError(\"no rules today\")\n")
    })?;
    let mut variables = vec![("PYWASM_CANISTER", module)];
    for (name, dir) in [("PYWASM_CANISTER_NEXT", next), ("PYWASM_CANISTER_RAISING", raising)] {
        let built = built(tool, &dir, &[])?;
        // The next one is built to the same place.
        let kept = dir.join("kept.wasm");
        std::fs::copy(&built, &kept)?;
        variables.push((name, kept));
    }
    let shell = Shell::new()?;
    shell.change_dir(root());
    cmd!(shell, "cargo test --package pywasm-tests --test canister -- --ignored")
        .envs(variables)
        .run()?;
    started_already(tool, &place.path().join("started"))
}

/// The example as a snapshot, which does the same, and less when it is installed.
fn started_already(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    let dir = copy(dir, "Cargo.toml", |text| {
        text.replace("policy = \"ic\"", "policy = \"ic\"\nsnapshot = { imports = [\"rules\"] }")
    })?;
    let module = built(tool, &dir, &["--release"])?;
    let shell = Shell::new()?;
    shell.change_dir(root());
    // Those for which one module is enough.
    let skipped = ["upgrade", "version", "canister_init"].map(|name| ["--skip", name]).concat();
    cmd!(shell, "cargo test --package pywasm-tests --test canister -- --ignored {skipped...}")
        .env("PYWASM_CANISTER", module)
        .run()?;
    Ok(())
}

/// The finished module is stripped and packed, and `size` still tells whose nearly all of it is.
fn is_told(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    let said = tool.call_in_says(dir, &["size", "--json", "--by", "object"])?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let bytes = |value: &serde_json::Value| value.as_u64().context("no number");
    let module = &said["modules"][0];
    let (all, unknown) = (bytes(&module["bytes"])?, bytes(&module["kinds"]["unknown"])?);
    anyhow::ensure!(unknown * 20 < all, "of {all} bytes {unknown} are nobody's");
    let names = module["entries"].to_string();
    anyhow::ensure!(names.contains("(unicodeobject.o)"), "no object is told: {names}");
    Ok(())
}

/// All of it, in the store of `e2e`.
pub(crate) fn alone() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    run(&Tool::build(&shell, &root().join("target/e2e-store"))?)
}

/// Builds a canister; the path of the finished module.
pub(crate) fn built(tool: &Tool<'_>, dir: &Path, words: &[&str]) -> anyhow::Result<PathBuf> {
    let words = [&["build"], words, &["--quiet"]].concat();
    let said = tool.call_in_says(dir, &words)?;
    let module = said.lines().find(|line| line.ends_with(".wasm"));
    Ok(dir.join(module.with_context(|| format!("no module is named: {said}"))?))
}

/// The example in another place, with one of its files changed.
pub(crate) fn copy(
    into: &Path,
    file: &str,
    change: impl Fn(&str) -> String,
) -> anyhow::Result<PathBuf> {
    let from = root().join("examples/canister");
    for name in FILES {
        let target = into.join(name);
        std::fs::create_dir_all(target.parent().context("a file lies in a directory")?)?;
        let mut text = std::fs::read_to_string(from.join(name))?;
        if name == file {
            let changed = change(&text);
            anyhow::ensure!(changed != text, "`{file}` is as it was");
            text = changed;
        }
        if name == "Cargo.toml" {
            let helper = root().join("pywasm-build");
            text = text.replace("\"../../pywasm-build\"", &format!("{helper:?}"));
        }
        std::fs::write(target, text)?;
    }
    Ok(into.to_owned())
}
