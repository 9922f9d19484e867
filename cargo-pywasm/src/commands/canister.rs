//! `cargo pywasm canister`: runs a canister in the embedded host.

pub mod call;

use crate::exit::Exit;
use pywasm_store::Ctx;

/// Run an Internet Computer canister on this machine
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Call(call::Args),
}

/// Runs the command.
///
/// # Errors
/// When the module cannot be loaded, or a method or an argument is invalid.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Call(args) => call::run(args, ctx),
    }
}
