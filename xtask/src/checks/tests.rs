//! Runs unit, integration and command-line tests.

use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use super::Profile;

/// The name of the profile of the tests that work on large wasm modules.
const PROFILE: &str = Profile::EndToEnd.name();

/// Runs all tests that need no installation.
pub(crate) fn run(shell: &Shell, profile: Profile) -> anyhow::Result<()> {
    let profile = profile.name();
    cmd!(shell, "cargo test --workspace --all-features --profile {profile}").run()?;
    Ok(())
}

/// Compiles the tests and the binary that they run, as [`run`] does with [`Profile::EndToEnd`].
pub(crate) fn build(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo test --workspace --all-features --profile {PROFILE} --no-run --quiet")
        .run()?;
    Ok(())
}

/// Runs the ignored tests in one Rust module of `cargo-pywasm/tests/installed`, using an
/// installation.
pub(crate) fn installed(shell: &Shell, module: &str, installation: &Path) -> anyhow::Result<()> {
    let filter = format!("{module}::");
    cmd!(
        shell,
        "cargo test --workspace --all-features --profile {PROFILE} --quiet --test installed -- --ignored {filter}"
    )
    .env("PYWASM_INSTALLATION", installation)
    .run()?;
    Ok(())
}

/// Runs the ignored tests in `tests/tests/default_host.rs` on these modules.
pub(crate) fn default_host(
    shell: &Shell,
    modules: &[PathBuf],
    stdlib: &Path,
) -> anyhow::Result<()> {
    cmd!(
        shell,
        "cargo test --workspace --all-features --profile {PROFILE} --quiet --test default_host -- --ignored"
    )
    .env("PYWASM_MODULES", std::env::join_paths(modules)?)
    .env("PYWASM_STDLIB", stdlib)
    .run()?;
    Ok(())
}

/// Runs the ignored tests in `tests/tests/canister`. `modules` contains the environment variables
/// that pass the paths of wasm modules to the tests.
pub(crate) fn canister<'a>(
    shell: &Shell,
    modules: impl IntoIterator<Item = (&'a str, &'a Path)>,
    skip: &[&str],
) -> anyhow::Result<()> {
    let skip: Vec<&str> = skip.iter().flat_map(|name| ["--skip", name]).collect();
    cmd!(
        shell,
        "cargo test --workspace --all-features --profile {PROFILE} --quiet --test canister -- --ignored {skip...}"
    )
    .envs(modules)
    .run()?;
    Ok(())
}
