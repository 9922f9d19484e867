//! Checks the licences, sources and known vulnerabilities of the dependencies with cargo-deny,
//! according to `deny.toml`.

use xshell::{Shell, cmd};

use super::tools;

const TOOL: &str = "cargo-deny";

/// Runs the checks that need no network.
pub(crate) fn offline(shell: &Shell) -> anyhow::Result<()> {
    let deny = tools::get(shell, TOOL)?;
    cmd!(shell, "{deny} --all-features check bans licenses sources").run()?;
    Ok(())
}

/// Returns the reason why advisories cannot be checked, or `None` if they can be.
pub(crate) fn unreachable(shell: &Shell) -> Option<String> {
    let deny = tools::get(shell, TOOL).ok()?;
    let fetched = cmd!(shell, "{deny} fetch db").ignore_stdout().ignore_stderr().run();
    fetched.is_err().then(|| "the advisory database cannot be downloaded".to_owned())
}

/// Checks for security advisories, using the database that `unreachable` fetched.
pub(crate) fn advisories(shell: &Shell) -> anyhow::Result<()> {
    let deny = tools::get(shell, TOOL)?;
    cmd!(shell, "{deny} --all-features check --disable-fetch advisories").run()?;
    Ok(())
}
