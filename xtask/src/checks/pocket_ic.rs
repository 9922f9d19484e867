//! Tests the example canister on PocketIC. The tests are in a separate workspace.

use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use super::{Profile, separate};
use crate::embed::canister;
use crate::tool::{Tool, e2e_store, root};

const MANIFEST: &str = "tests/pocket-ic/Cargo.toml";

/// The environment variable that contains the path of the PocketIC server.
const SERVER: &str = "POCKET_IC_BIN";

/// Compiles the tests.
pub(crate) fn check(shell: &Shell, profile: Profile) -> anyhow::Result<()> {
    Ok(separate::check(shell, Path::new(MANIFEST), &["--tests"], profile)?.run()?)
}

/// Returns the reason why the tests cannot run, or `None` if they can.
pub(crate) fn missing() -> Option<String> {
    std::env::var_os(SERVER).is_none().then(|| format!("{SERVER} is not set"))
}

/// Builds the example's wasm modules and runs the tests on them.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let tool = Tool::tested(shell, &e2e_store())?;
    let scratch = tempfile::tempdir()?;
    let modules = canister::modules(&tool, scratch.path())?;
    let server = std::env::var_os(SERVER).context("the path of the PocketIC server is not set")?;
    cmd!(shell, "cargo test --manifest-path {MANIFEST} -- --ignored")
        .env("CARGO_TARGET_DIR", root().join("target/pocket-ic"))
        .env(SERVER, Path::new(&server))
        .envs(modules)
        .run()?;
    Ok(())
}
