//! Runs Clippy, with warnings as errors.

use xshell::{Shell, cmd};

/// Checks the whole workspace with all features. The documentation is built with the same features,
/// so dependencies are checked only once.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo clippy --workspace --all-targets --all-features -- -D warnings").run()?;
    Ok(())
}

/// Checks the workspace with default features, which the README's first command uses.
///
/// Checking the tool alone would change the features of its dependencies, and so check them all
/// again. `--examples` selects nothing, but makes Cargo resolve the features of dev-dependencies
/// too.
pub(crate) fn default_features(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo clippy --workspace --lib --bins --examples -- -D warnings").run()?;
    Ok(())
}

/// Checks the tool without features, as the GitHub action builds it.
pub(crate) fn no_features(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo clippy --package cargo-pywasm --no-default-features -- -D warnings")
        .run()?;
    Ok(())
}
