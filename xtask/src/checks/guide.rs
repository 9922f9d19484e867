//! Builds the guide as a book. The tests in `tests/tests/library/links.rs` check its links.

use anyhow::Context;
use xshell::{Shell, cmd};

use super::tools;
/// Builds the book into `target/guide`, the directory in its configuration.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<()> {
    let mdbook = tools::find("mdbook").context("mdbook is not installed")?;
    cmd!(shell, "{mdbook} build docs/guide").run()?;
    Ok(())
}
