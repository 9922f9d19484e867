//! Finds dependencies that no code uses, with cargo-machete.

use xshell::{Shell, cmd};

use super::tools;

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let tool = tools::get(shell, "cargo-machete")?;
    cmd!(shell, "{tool} --skip-target-dir").run()?;
    Ok(())
}
