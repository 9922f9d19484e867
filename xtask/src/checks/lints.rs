//! Runs Clippy, with warnings as errors.

use xshell::{Shell, cmd};

use super::Profile;

/// Checks the whole workspace with all features. The documentation is built with the same features,
/// so dependencies are checked only once.
pub(crate) fn run(shell: &Shell, profile: Profile) -> anyhow::Result<()> {
    let (profile, all) = (profile.name(), ["--workspace", "--all-targets", "--all-features"]);
    cmd!(shell, "cargo clippy --profile {profile} {all...} -- -D warnings").run()?;
    Ok(())
}

/// Checks the workspace with default features, which the README's first command uses.
///
/// If only the tool were selected, its dependencies would have different features than in [`run`],
/// and Cargo would check all of them again. For the same reason, `--examples` makes Cargo include
/// dev-dependencies when it resolves features. The workspace contains no Cargo examples.
pub(crate) fn default_features(shell: &Shell, profile: Profile) -> anyhow::Result<()> {
    let (profile, all) = (profile.name(), ["--workspace", "--lib", "--bins", "--examples"]);
    cmd!(shell, "cargo clippy --profile {profile} {all...} -- -D warnings").run()?;
    Ok(())
}

/// Checks the tool without features, as the GitHub action builds it.
pub(crate) fn no_features(shell: &Shell, profile: Profile) -> anyhow::Result<()> {
    let (profile, tool) = (profile.name(), ["--package", "cargo-pywasm", "--no-default-features"]);
    cmd!(shell, "cargo clippy --profile {profile} {tool...} -- -D warnings").run()?;
    Ok(())
}
