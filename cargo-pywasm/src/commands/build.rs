//! `cargo pywasm build`: `cargo build` for a crate with Python inside.

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::project::Call;

/// Build the crate one is in, with Python inside
///
/// It is `cargo build` for wasm32-wasip1, after what `[package.metadata.pywasm]` asks for was installed,
/// when it is missing, and a Rust was found that has the target.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arguments of `cargo build`
    #[arg(value_name = "CARGO_ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    cargo_args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When one stands in no such crate, or it can't be prepared.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    Call { verb: "build", words: &args.cargo_args, runner: Vec::new() }.run(ctx)
}
