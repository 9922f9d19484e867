//! Replacements for `canister` and `candid` in a build without the `canister` feature. They are
//! hidden in the help and fail with a hint.

use std::ffi::OsString;

use crate::exit::Exit;
use pywasm_session::WithHint;
use pywasm_store::Ctx;

/// Not available: needs the `canister` feature of cargo-pywasm
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct Args {
    /// Ignored
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    args: Vec<OsString>,
}

/// Fails with a hint.
///
/// # Errors
/// Always.
pub(crate) fn run(_: &Args, _: &Ctx) -> anyhow::Result<Exit> {
    Err(anyhow::anyhow!("this command needs the `canister` feature of cargo-pywasm"))
        .hint(|| "reinstall cargo-pywasm with `--all-features`".to_owned())
}
