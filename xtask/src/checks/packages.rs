//! Builds the packages of the published crates, as `cargo publish` would upload them.

use xshell::{Shell, cmd};

use super::msrv::workspace;

/// Packages the crates without compiling the result.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    package(shell, &["--no-verify"])
}

/// Packages the crates and compiles the result.
pub(crate) fn verify(shell: &Shell) -> anyhow::Result<()> {
    package(shell, &[])
}

fn package(shell: &Shell, words: &[&str]) -> anyhow::Result<()> {
    let unpublished: Vec<String> = workspace(shell)?
        .into_iter()
        .filter(|package| !package.is_published)
        .flat_map(|package| ["--exclude".to_owned(), package.name])
        .collect();
    // `--allow-dirty`: contributors may run this before they commit.
    cmd!(shell, "cargo package --workspace {unpublished...} --allow-dirty --quiet {words...}")
        .run()?;
    Ok(())
}
