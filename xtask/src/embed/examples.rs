//! Tests the crates in `examples` that plain Cargo can run.

use std::path::{Path, PathBuf};

use super::{clippy, is_fresh};
use crate::tool::{Tool, embed_target, root};

/// All examples. Three of them have separate steps: Cargo cannot run `canister`, and `python` and
/// `report` would wait for their input on stdin.
const ALL: [&str; 7] = ["canister", "capi", "deepcopy", "effects", "logger", "python", "report"];

/// Installs the Python that an example needs. Then lints, tests and runs the example.
pub(crate) fn run(tool: &Tool<'_>, name: &str) -> anyhow::Result<()> {
    let dir = dir(name);
    tool.call_in(&dir, &["install"])?;
    clippy(tool, &dir)?;
    tool.cargo(&dir, &["test", "--quiet"])?;
    tool.cargo(&dir, &["run", "--quiet"])?;
    is_fresh(tool, &dir)
}

/// Builds and tests the example `report`, whose packages come from the Python Package Index, and runs
/// its snapshot.
pub(crate) fn report(tool: &Tool<'_>) -> anyhow::Result<()> {
    let dir = dir("report");
    tool.call_in(&dir, &["install"])?;
    clippy(tool, &dir)?;
    tool.cargo(&dir, &["test", "--quiet"])?;
    tool.call_in(&dir, &["lock", "--check"])?;
    tool.call_in(&dir, &["build", "--release", "--quiet"])?;
    let module = embed_target().join("pywasm/release/report-command.wasm");
    let mut command = tool.command_in(&dir, &["run-wasm", "--no-cwd"])?;
    let input = std::fs::File::open(dir.join("report.json"))?;
    let output =
        command.arg(module).stdin(input).stderr(std::process::Stdio::inherit()).output()?;
    let page = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(page.contains("2026-07-15 10:00 CEST"), "the page is wrong:\n{page}");
    let tree = tool.read_in(&dir, &["tree"])?;
    anyhow::ensure!(tree.contains("jinja2 3.1.6\n└── markupsafe 3.0.4 (native)"), "{tree}");
    Ok(())
}

/// Runs scripts with packages of the Python Package Index.
pub(crate) fn run_with(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = scratch.path();
    let script = "# /// script\n# dependencies = [\"click\"]\n# ///\nimport click, rich\n\
                  click.echo(rich.__name__ + click.style('!'))\n";
    std::fs::write(dir.join("script.py"), script)?;
    let printed = tool.read_in(dir, &["run", "--recipe", "full", "--with", "rich", "script.py"])?;
    anyhow::ensure!(printed == "rich!", "the script printed `{printed}`");
    one_file(tool, dir)?;
    let code = ["run", "--recipe", "full", "--with", "numpy", "-c", "import numpy"];
    let error = tool.fail_in(dir, &code)?;
    anyhow::ensure!(error.contains("`numpy` needs native code"), "{error}");
    Ok(())
}

/// Makes an interpreter that contains a package and the library, and runs it without files.
fn one_file(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    let words = ["snapshot", "--interpreter", "--recipe", "full", "--stdlib", "embedded"];
    let words = [&words[..], &["--with", "rich", "--import", "rich", "-o", "python.wasm"]].concat();
    tool.call_in(dir, &words)?;
    let code = "import importlib.metadata as m, rich.table; print(m.version('rich').split('.')[0] >= '13')";
    let words = ["run-wasm", "--no-cwd", "--stdlib", "embedded", "python.wasm", "-c", code];
    let printed = tool.read_in(dir, &words)?;
    anyhow::ensure!(printed == "True", "the interpreter printed `{printed}`");
    Ok(())
}

/// Runs CPython's own `test_copy` on `examples/deepcopy`, as described in the example's README.
pub(crate) fn test_copy(tool: &Tool<'_>, sources: &Path) -> anyhow::Result<()> {
    let library = format!("{}::/cpython:ro", sources.join("Lib").display());
    let script = "python/run_test_copy.py";
    let args = ["run", "--dir", &library, "--release", "--quiet", "--", script];
    tool.call_in(&dir("deepcopy"), &args)
}

/// Checks that [`ALL`] lists every example.
pub(crate) fn all_are_named() -> anyhow::Result<()> {
    for entry in std::fs::read_dir(root().join("examples"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_crate = entry.path().join("Cargo.toml").is_file();
        anyhow::ensure!(!is_crate || ALL.contains(&&*name), "xtask does not test examples/{name}");
    }
    Ok(())
}

fn dir(name: &str) -> PathBuf {
    root().join("examples").join(name)
}
