//! Tests the crates in `examples` that plain Cargo can run.

use std::path::{Path, PathBuf};

use super::{clippy, is_fresh};
use crate::tool::{Tool, root};

/// All examples. Two of them have separate steps: Cargo cannot run `canister`, and `python` would
/// wait for a program on stdin.
const ALL: [&str; 6] = ["canister", "capi", "deepcopy", "effects", "logger", "python"];

/// Installs the Python that an example needs. Then lints, tests and runs the example.
pub(crate) fn run(tool: &Tool<'_>, name: &str) -> anyhow::Result<()> {
    let dir = dir(name);
    tool.call_in(&dir, &["install"])?;
    clippy(tool, &dir)?;
    tool.cargo(&dir, &["test", "--quiet"])?;
    tool.cargo(&dir, &["run", "--quiet"])?;
    is_fresh(tool, &dir)
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
