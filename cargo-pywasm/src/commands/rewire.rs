//! `cargo pywasm rewire`: imports of a finished module answered by its own functions.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::exit::Exit;
use pywasm_audit::{Content, Input};
use pywasm_rewrite::{self as rewrite, Wire};
use pywasm_store::Ctx;

/// Answer imports of a module by functions of its own: WASI's by those of a polyfill
///
/// What is not told otherwise is for canisters with ic-wasi-polyfill: each import of WASI goes to
/// `__ic_custom_NAME`. A module without anything to rewire comes out as it is. Prints the path.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module
    #[arg(value_name = "FILE")]
    file: Utf8PathBuf,
    /// Where to write the module
    #[arg(short, long, value_name = "FILE")]
    output: Utf8PathBuf,
    /// Which imports go to which functions: `wasi_snapshot_preview1.*=__ic_custom_*`
    #[arg(long = "wire", value_name = "IMPORTS=FUNCTION", value_parser = wire)]
    wires: Vec<Wire>,
    /// Keep functions that nothing leads to any more
    #[arg(long)]
    keep_unused: bool,
}

/// Runs it.
///
/// # Errors
/// When the file is not a module, or a function has another type than the import.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let bytes = match Input::read(&args.file, &ctx.cwd)?.content {
        Content::Module(bytes) | Content::Compressed(bytes, _) => bytes,
        Content::Object(_) | Content::Archive(_) => {
            anyhow::bail!("`{}` is not linked yet: there is nothing to rewire", args.file)
        }
    };
    let polyfill = Wire::polyfill();
    let wires = if args.wires.is_empty() { &polyfill } else { &args.wires };
    let done = rewrite::rewire(&bytes, wires, !args.keep_unused)
        .with_context(|| format!("`{}` can't be rewired", args.file))?;
    if let [first, ..] = &done.left[..] {
        ctx.reporter.warn(format!(
            "{} imports have no function to go to, and stay: {first}{}",
            done.left.len(),
            if done.left.len() > 1 { ", …" } else { "" }
        ));
    }
    fs_err::write(ctx.cwd.join(&args.output), &done.module)?;
    ctx.reporter.status(
        "Rewired",
        format!(
            "{} imports, {} bytes, {} before",
            done.wired.len(),
            done.module.len(),
            bytes.len()
        ),
    );
    ctx.reporter.data(&args.output);
    Ok(Exit::Success)
}

/// For clap, whose errors are texts.
fn wire(text: &str) -> Result<Wire, String> {
    Wire::parse(text).map_err(|error| format!("{error:#}"))
}
