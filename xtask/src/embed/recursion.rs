//! Tests that recursion ends in an exception on hosts with wasmtime's default stack.

use std::path::{Path, PathBuf};

use super::{canister, edit};
use crate::checks::tests;
use crate::tool::{Tool, embed_target, manifest};

/// Builds a crate that runs `tests/src/recursion.py`, and a snapshot of the crate. Then runs both
/// modules and the installed interpreter on such a host.
pub(crate) fn run(tool: &Tool<'_>, installation: &Path) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let words = ["new", "--template", "capi", "--recipe", "full", "recursing"];
    tool.call_in(scratch.path(), &words)?;
    let dir = scratch.path().join("recursing");
    let program = "import runpy, sys\n\
        runpy.run_path('/tests/recursion.py', run_name='__main__')\n";
    edit(&dir.join("src/main.rs"), "import sys\n", program)?;
    // Without post-link steps, the module is Cargo's.
    tool.cargo(&dir, &["build", "--quiet"])?;
    let kept = dir.join("kept.wasm");
    std::fs::copy(embed_target().join("wasm32-wasip1/debug/recursing.wasm"), &kept)?;
    let table = "[package.metadata.pywasm]\n";
    let with_snapshot = format!("{table}snapshot = {{ imports = [\"json\"] }}\n");
    edit(&dir.join("Cargo.toml"), table, &with_snapshot)?;
    let snapshot = canister::build(tool, &dir, &[])?;
    on_default_host(tool, installation, &[kept, snapshot])
}

/// Runs an installed interpreter and other modules that use the installation on the host.
pub(crate) fn on_default_host(
    tool: &Tool<'_>,
    installation: &Path,
    modules: &[PathBuf],
) -> anyhow::Result<()> {
    let series = manifest(installation, "/python/series")?;
    let mut all = vec![installation.join("bin/python.wasm")];
    all.extend_from_slice(modules);
    tests::default_host(tool.shell(), &all, &installation.join(format!("lib/python{series}")))
}
