//! The guide as a book. Its links are checked by the tests of `tests/tests/library/links.rs`.

use anyhow::Context;
use xshell::{Shell, cmd};

use super::tools;
/// Builds the book into `target/guide`, as its configuration says.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<()> {
    let mdbook = tools::find("mdbook").context("mdbook is not installed")?;
    cmd!(shell, "{mdbook} build docs/guide").run()?;
    Ok(())
}
