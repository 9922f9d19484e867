//! Checks that lock files are up to date: a change to a crate also changes those of the crates that
//! are separate workspaces.

use xshell::{Shell, cmd};

use super::format::separate_crates;

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo metadata --locked --format-version 1").ignore_stdout().run()?;
    for manifest in separate_crates(shell)? {
        // The fuzz targets have no lock file in the repository.
        if manifest.with_file_name("Cargo.lock").exists() {
            cmd!(shell, "cargo metadata --locked --format-version 1 --manifest-path {manifest}")
                .ignore_stdout()
                .run()?;
        }
    }
    Ok(())
}
