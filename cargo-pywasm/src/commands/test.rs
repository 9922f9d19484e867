//! `cargo pywasm test`: `cargo test` for a crate with Python inside.

use crate::exit::Exit;
use crate::project::Call;
use pywasm_store::Ctx;

/// Test the crate one is in, in the embedded runtime
///
/// It is `cargo test` for wasm32-wasip1, after what `[package.metadata.pywasm]` asks for was installed,
/// when it is missing, and a Rust was found that has the target.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arguments of `cargo test`
    #[arg(value_name = "CARGO_ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    cargo_args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When one stands in no such crate, or it can't be prepared.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    Call { verb: "test", words: &args.cargo_args, runner: Vec::new() }.run(ctx)
}
