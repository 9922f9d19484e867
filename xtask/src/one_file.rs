//! `examples/python`: the interpreter with its whole library in one file, and CPython's own tests on it.

use std::path::{Path, PathBuf};

use crate::canister::built;
use crate::tool::{Tool, root};

/// Tests of CPython that need no source of the library.
const TESTS: [&str; 7] = [
    "test_dataclasses",
    "test_decimal",
    "test_email",
    "test_enum",
    "test_json",
    "test_pickle",
    "test_typing",
];

/// The file.
pub(crate) fn module(tool: &Tool<'_>) -> anyhow::Result<PathBuf> {
    let dir = root().join("examples/python");
    tool.call_in(&dir, &["install"])?;
    built(tool, &dir, &["--release"])
}

/// All of it. `sources` is CPython's source tree.
pub(crate) fn run(tool: &Tool<'_>, sources: &Path) -> anyhow::Result<()> {
    eprintln!("\n   -- examples/python");
    let dir = root().join("examples/python");
    let module = module(tool)?.display().to_string();
    tool.cargo(&dir, &["fmt", "--check"])?;
    tool.cargo(&dir, &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"])?;
    let place = tempfile::tempdir()?;
    let sight = |host: &Path, guest: &str| format!("{}::{guest}", host.display());
    let alone = ["run-wasm", "--stdlib", "frozen", "--no-cwd"];

    let example = format!("{}:ro", sight(&dir, "/example"));
    let words = [&alone[..], &["--dir", &example, &module, "/example/check.py"]].concat();
    tool.call(&words).run()?;

    // The tests alone, without the library beside them.
    let library = place.path().join("lib");
    std::fs::create_dir_all(&library)?;
    std::fs::create_dir_all(place.path().join("root/tmp"))?;
    let (tests, from) = (library.join("test"), sources.join("Lib/test"));
    let shell = xshell::Shell::new()?;
    xshell::cmd!(shell, "cp -R {from} {tests}").run()?;
    let library = format!("{}:ro", sight(&library, "/lib"));
    let scratch = sight(&place.path().join("root"), "/");
    let mut words = alone.to_vec();
    words.extend(["--dir", &library, "--dir", &scratch, "--env", "PYTHONPATH=/lib"]);
    words.extend(["--env", "PYTHONDONTWRITEBYTECODE=1", "--env", "TMPDIR=/tmp", &module]);
    words.extend(["-m", "test"]);
    words.extend(TESTS);
    tool.call(&words).run()?;
    Ok(())
}
