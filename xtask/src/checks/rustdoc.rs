//! The documentation of the crates, with warnings as errors.

use xshell::{Shell, cmd};

/// `--examples` has no effect on what is documented, but makes Cargo resolve the features of
/// dev-dependencies too. The dependencies are then the ones that Clippy has checked already.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo doc --workspace --all-features --no-deps --lib --examples")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(())
}
