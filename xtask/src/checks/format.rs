//! Checks the formatting of the workspace and of the crates outside it.

use std::path::PathBuf;

use xshell::{Shell, cmd};

use crate::tool::root;

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo fmt --all --check").run()?;
    for manifest in separate_crates(shell)? {
        cmd!(shell, "cargo fmt --check --manifest-path {manifest}").run()?;
    }
    Ok(())
}

/// Returns the manifests of the crates that are separate workspaces, sorted.
pub(crate) fn separate_crates(shell: &Shell) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for dir in ["examples", "tests"] {
        for dir in shell.read_dir(root().join(dir))? {
            let manifest = dir.join("Cargo.toml");
            if manifest.is_file() {
                found.push(manifest);
            }
        }
    }
    found.sort();
    Ok(found)
}
