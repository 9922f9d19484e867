//! `cargo pywasm completions`: prints a completion script for a shell.

use clap_complete::Shell;

use crate::exit::Exit;
use pywasm_store::Ctx;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the shell
    shell: Shell,
}

/// Prints the completions for `command`, which defines the whole command line.
///
/// # Errors
/// When the completions are not UTF-8, which does not happen.
pub fn run(args: &Args, mut command: clap::Command, ctx: &Ctx) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "cargo-pywasm", &mut script);
    ctx.reporter.data(String::from_utf8(script)?.trim_end());
    Ok(Exit::Success)
}
