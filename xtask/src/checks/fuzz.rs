//! Checks the fuzz targets in `tests/fuzz`. `ci` compiles them, and `nightly` also runs them for a
//! short time.

use xshell::{Shell, cmd};

use super::{Profile, separate, tools};
use crate::tool::{root, target};

/// The number of seconds for which each fuzz target runs.
const SECONDS: u32 = 20;

/// Compiles the fuzz targets, but not libFuzzer's C++ runtime, which is needed only to run them.
pub(crate) fn check(shell: &Shell, profile: Profile) -> anyhow::Result<()> {
    let dir = root().join("tests/fuzz");
    // Use the dependency versions of the workspace.
    if !dir.join("Cargo.lock").exists() {
        shell.copy_file(root().join("Cargo.lock"), &dir)?;
    }
    separate::check(shell, &dir.join("Cargo.toml"), &["--bins"], profile)?
        .env("CUSTOM_LIBFUZZER_PATH", target().join("libFuzzer.a"))
        .run()?;
    Ok(())
}

/// Returns the reason why the fuzz targets cannot run, or `None` if they can.
pub(crate) fn missing(shell: &Shell) -> Option<String> {
    let nightly = cmd!(shell, "cargo +nightly --version").quiet().ignore_stderr().read();
    nightly.is_err().then(|| "rustup has no nightly toolchain".to_owned())
}

/// Runs each fuzz target for a short time.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let dir = "tests/fuzz";
    let fuzz = tools::get(shell, "cargo-fuzz")?;
    let _nightly = shell.push_env("RUSTUP_TOOLCHAIN", "nightly");
    let targets = cmd!(shell, "{fuzz} fuzz list --fuzz-dir {dir}").read()?;
    let limit = format!("-max_total_time={SECONDS}");
    for target in targets.lines() {
        cmd!(shell, "{fuzz} fuzz run --fuzz-dir {dir} {target} -- {limit}").run()?;
    }
    Ok(())
}
