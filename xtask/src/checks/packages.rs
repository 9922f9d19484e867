//! Builds the crate packages that `cargo publish` would upload.

use xshell::{Shell, cmd};

use super::msrv::workspace;

/// Packages the published crates without compiling the packages.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    package(shell, &["--no-verify"])
}

/// Packages the published crates and compiles the packages.
pub(crate) fn verify(shell: &Shell) -> anyhow::Result<()> {
    package(shell, &[])
}

fn package(shell: &Shell, words: &[&str]) -> anyhow::Result<()> {
    let unpublished: Vec<String> = workspace(shell)?
        .into_iter()
        .filter(|package| !package.is_published)
        .flat_map(|package| ["--exclude".to_owned(), package.name])
        .collect();
    // Contributors may run this before they commit, so uncommitted changes are allowed.
    cmd!(shell, "cargo package --workspace {unpublished...} --allow-dirty --quiet {words...}")
        .run()?;
    Ok(())
}
