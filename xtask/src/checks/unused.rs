//! Finds dependencies that no code uses, with cargo-machete.

use anyhow::Context;
use xshell::{Shell, cmd};

use super::tools;

const TOOL: &str = "cargo-machete";

/// Returns the reason why the check cannot run, or `None` if it can.
pub(crate) fn missing() -> Option<String> {
    tools::find(TOOL).is_none().then(|| format!("{TOOL} is not installed"))
}

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let tool = tools::find(TOOL).context("cargo-machete is not installed")?;
    cmd!(shell, "{tool} --skip-target-dir").run()?;
    Ok(())
}
