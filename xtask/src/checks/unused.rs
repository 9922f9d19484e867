//! Finds dependencies that no code uses, with cargo-machete.

use anyhow::Context;
use xshell::{Shell, cmd};

use super::tools;

const TOOL: &str = "cargo-machete";

/// Returns the reason if the check cannot run.
pub(crate) fn missing() -> Option<String> {
    tools::find(TOOL).is_none().then(|| format!("`cargo install {TOOL}` has not been run"))
}

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let tool = tools::find(TOOL).context("no cargo-machete")?;
    cmd!(shell, "{tool} --skip-target-dir").run()?;
    Ok(())
}
