//! `cargo pywasm test`: `cargo test` for a crate that embeds Python.

use crate::config::{CargoArgs, Workspace};
use crate::exit::Exit;
use crate::project::Call;
use pywasm_store::Ctx;

/// Test the current crate in the embedded runtime
///
/// First installs the Python that `[package.metadata.pywasm]` requests, if it is missing, and finds
/// a Rust toolchain that has the wasm32-wasip1 target. Then runs `cargo test` for that target.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arguments of `cargo test`
    #[arg(value_name = "CARGO_ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    cargo_args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the current crate does not embed Python, or cannot be prepared.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let call = Call { verb: "test", args: &args.cargo_args, runner: Vec::new() };
    call.prepare(&Workspace::selected(CargoArgs::new(&args.cargo_args), ctx))?.run(ctx)
}
