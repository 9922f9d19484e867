//! `cargo pywasm rewire`: connects imports of a linked module to functions in the same module.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::exit::Exit;
use pywasm_audit::Input;
use pywasm_rewrite::{self as rewrite, Wire};
use pywasm_store::Ctx;

/// Connect imports of a module to functions in the same module, such as those of a WASI polyfill
///
/// By default, connects each WASI import to `__ic_custom_NAME`, the function that ic-wasi-polyfill
/// defines for it. A module with nothing to rewire is copied unchanged. Prints the path of the
/// output file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module
    #[arg(value_name = "FILE")]
    file: Utf8PathBuf,
    /// The module to write
    #[arg(short, long, value_name = "FILE")]
    output: Utf8PathBuf,
    /// Imports, and the functions to connect them to: `wasi_snapshot_preview1.*=__ic_custom_*`
    #[arg(long = "wire", value_name = "IMPORTS=FUNCTION", value_parser = wire)]
    wires: Vec<Wire>,
    /// Keep functions that become unreachable
    #[arg(long)]
    keep_unused: bool,
}

/// Runs the command.
///
/// # Errors
/// When the file is not a linked module, or the type of a function differs from that of its import.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let bytes = Input::read_module(&args.file, &ctx.cwd)?;
    let polyfill = Wire::polyfill();
    let wires = if args.wires.is_empty() { &polyfill } else { &args.wires };
    let done = rewrite::rewire(&bytes, wires, !args.keep_unused)
        .with_context(|| format!("cannot rewire `{}`", args.file))?;
    if !done.left.is_empty() {
        let left = done.left.join("`, `");
        let text = format!("no function of the module replaces these imports: `{left}`");
        ctx.reporter.warn(text);
    }
    fs_err::write(ctx.cwd.join(&args.output), &done.module)?;
    ctx.reporter.status(
        "Rewired",
        format!(
            "{} import{}; the module has {} bytes ({} before)",
            done.wired.len(),
            if done.wired.len() == 1 { "" } else { "s" },
            done.module.len(),
            bytes.len()
        ),
    );
    ctx.reporter.data(&args.output);
    Ok(Exit::Success)
}

/// Parses a `--wire` value for clap, which expects errors as text.
fn wire(text: &str) -> Result<Wire, String> {
    Wire::parse(text).map_err(|error| format!("{error:#}"))
}
