//! `cargo pywasm candid`: prints the Candid interface of a canister module.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::exit::Exit;
use pywasm_audit::Input;
use pywasm_canister::{Host, Interface, interface};
use pywasm_store::Ctx;
use pywasm_wasm::custom;

/// Print the Candid interface of a canister module
///
/// The interface comes from the module's metadata or, failing that, from a call to its
/// `get_candid_pointer` export, which `ic_cdk::export_candid!()` adds. The module may import WASI
/// functions, but has no access to this machine.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module
    #[arg(value_name = "MODULE")]
    module: Utf8PathBuf,
    /// Write the interface to a file instead of printing it
    #[arg(short, long, value_name = "FILE.did")]
    output: Option<Utf8PathBuf>,
    /// Write a copy of the module with the interface as public metadata, in the section
    /// `icp:public candid:service`
    #[arg(long, value_name = "FILE.wasm")]
    embed: Option<Utf8PathBuf>,
    /// Check that the module is compatible with this interface (exit code 1 if it is not)
    #[arg(long, value_name = "FILE.did")]
    check: Option<Utf8PathBuf>,
    /// Call `get_candid_pointer` even if the module's metadata contains the interface
    #[arg(long)]
    run: bool,
}

/// Runs the command.
///
/// # Errors
/// When the module has no interface, or a file cannot be read or written.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let bytes = Input::read_module(&args.module, &ctx.cwd)?;
    let text = text(args, &bytes, ctx)
        .with_context(|| format!("cannot extract the interface of `{}`", args.module))?;
    if let Some(path) = &args.embed {
        let module = custom::embed(&bytes, custom::CANDID, text.as_bytes())?;
        fs_err::write(ctx.cwd.join(path), module)?;
        ctx.reporter.status("Embedded", format!("{} bytes of Candid in `{path}`", text.len()));
    }
    if let Some(path) = &args.output {
        fs_err::write(ctx.cwd.join(path), &text)?;
        ctx.reporter.status("Wrote", format!("`{path}`"));
    }
    if let Some(path) = &args.check {
        return check(&text, path, ctx);
    }
    if args.output.is_none() && args.embed.is_none() {
        ctx.reporter.data(text.trim_end());
    }
    Ok(Exit::Success)
}

fn text(args: &Args, bytes: &[u8], ctx: &Ctx) -> anyhow::Result<String> {
    if !args.run
        && let Some(embedded) = Interface::embedded(bytes)?
    {
        ctx.reporter.note(format!(
            "the interface comes from the section `{}`; use `--run` to call `get_candid_pointer` instead",
            custom::CANDID
        ));
        return Ok(embedded.text);
    }
    interface::exported(&Host::new(ctx)?.module(bytes)?)
}

fn check(text: &str, path: &Utf8PathBuf, ctx: &Ctx) -> anyhow::Result<Exit> {
    let promised = fs_err::read_to_string(ctx.cwd.join(path))?;
    let promised = Interface::parse(&promised)
        .with_context(|| format!("`{path}` does not contain a valid Candid interface"))?;
    let problems = Interface::parse(text)?.incompatibilities(&promised);
    if problems.is_empty() {
        ctx.reporter.status("Checked", format!("the module is compatible with `{path}`"));
        return Ok(Exit::Success);
    }
    ctx.reporter.error(&anyhow::anyhow!("the module is not compatible with `{path}`"));
    for line in problems {
        ctx.reporter.data(line);
    }
    Ok(Exit::Findings)
}
