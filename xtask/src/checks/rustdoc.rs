//! Builds the documentation of the crates, with warnings as errors.

use xshell::{Shell, cmd};

use super::Profile;

/// Builds the documentation. `--examples` adds nothing to the output, but makes Cargo include
/// dev-dependencies when it resolves features. Cargo can then reuse the dependencies that Clippy
/// has already checked.
pub(crate) fn run(shell: &Shell, profile: Profile) -> anyhow::Result<()> {
    let (profile, all) = (profile.name(), ["--workspace", "--all-features", "--lib", "--examples"]);
    cmd!(shell, "cargo doc --profile {profile} --no-deps {all...}")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(())
}
