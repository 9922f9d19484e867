//! Builds the guide with mdBook. The tests in `tests/tests/library/links.rs` check its links.

use xshell::{Shell, cmd};

use super::tools;

/// Builds the guide into `target/guide`, the directory set in its configuration.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<()> {
    let mdbook = tools::get(shell, "mdbook")?;
    cmd!(shell, "{mdbook} build docs/guide").run()?;
    Ok(())
}
