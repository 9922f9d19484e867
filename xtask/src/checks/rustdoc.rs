//! Builds the documentation of the crates, with warnings as errors.

use xshell::{Shell, cmd};

/// Builds the documentation. `--examples` adds nothing to it, but makes Cargo resolve the features
/// of dev-dependencies too. The dependencies are then the same as those that Clippy has already
/// checked.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo doc --workspace --all-features --no-deps --lib --examples")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(())
}
