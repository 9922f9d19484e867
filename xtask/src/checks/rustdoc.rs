//! Builds the documentation of the crates, with warnings as errors.

use xshell::{Shell, cmd};

/// Builds the documentation. `--examples` adds nothing to the output, but makes Cargo include
/// dev-dependencies when it resolves features. Cargo can then reuse the dependencies that Clippy
/// has already checked.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo doc --workspace --all-features --no-deps --lib --examples")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(())
}
