//! Checks that lock files are up to date. If a workspace crate gets a new version or dependency,
//! the lock files of the crates that are separate workspaces must change too.

use xshell::{Shell, cmd};

use super::format::separate_crates;

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo metadata --locked --format-version 1").ignore_stdout().run()?;
    for manifest in separate_crates(shell)? {
        // Git ignores the lock file of the fuzz targets.
        if !manifest.ends_with("fuzz/Cargo.toml") {
            cmd!(shell, "cargo metadata --locked --format-version 1 --manifest-path {manifest}")
                .ignore_stdout()
                .run()?;
        }
    }
    Ok(())
}
