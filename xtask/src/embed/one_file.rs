//! Tests `examples/python`, which contains the interpreter and its whole standard library in one
//! file.

use std::path::{Path, PathBuf};

use xshell::cmd;

use super::canister::build;
use super::clippy;
use crate::tool::{Tool, root};

/// CPython test files that do not read the source files of the standard library.
const TESTS: [&str; 7] = [
    "test_dataclasses",
    "test_decimal",
    "test_email",
    "test_enum",
    "test_json",
    "test_pickle",
    "test_typing",
];

/// Builds the wasm module in release mode and returns its path.
pub(crate) fn module(tool: &Tool<'_>) -> anyhow::Result<PathBuf> {
    let dir = root().join("examples/python");
    tool.call_in(&dir, &["install"])?;
    build(tool, &dir, &["--release"])
}

/// Runs the example's own program and some CPython tests with the wasm module. `sources` is the
/// path of CPython's source tree.
pub(crate) fn run(tool: &Tool<'_>, sources: &Path) -> anyhow::Result<()> {
    let dir = root().join("examples/python");
    let module = module(tool)?.display().to_string();
    clippy(tool, &dir)?;
    let scratch = tempfile::tempdir()?;
    let mount = |host: &Path, guest: &str| format!("{}::{guest}", host.display());
    let alone = ["run-wasm", "--stdlib", "embedded", "--no-cwd"];

    let example = format!("{}:ro", mount(&dir, "/example"));
    let args = [&alone[..], &["--dir", &example, &module, "/example/check.py"]].concat();
    tool.call(&args).run()?;

    // Mount only the tests, not the rest of the standard library.
    let library = scratch.path().join("lib");
    std::fs::create_dir_all(&library)?;
    std::fs::create_dir_all(scratch.path().join("root/tmp"))?;
    let (tests, from) = (library.join("test"), sources.join("Lib/test"));
    cmd!(tool.shell(), "cp -R {from} {tests}").run()?;
    let library = format!("{}:ro", mount(&library, "/lib"));
    let root = mount(&scratch.path().join("root"), "/");
    let mut args = alone.to_vec();
    args.extend(["--dir", &library, "--dir", &root, "--env", "PYTHONPATH=/lib"]);
    args.extend(["--env", "PYTHONDONTWRITEBYTECODE=1", "--env", "TMPDIR=/tmp", &module]);
    args.extend(["-m", "test"]);
    args.extend(TESTS);
    tool.call(&args).run()?;
    Ok(())
}
