//! `cargo pywasm candid`: the interface of a canister, from the module itself.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::canister::{Host, Interface, interface};
use crate::exit::Exit;
use pywasm_audit::{Content, Input};
use pywasm_store::Ctx;
use pywasm_wasm::custom;

/// Print a canister's interface in Candid, as the module says it
///
/// It stands in the module's metadata, else the export `get_candid_pointer` is run, which
/// `ic_cdk::export_candid!()` makes. The module may import WASI; nothing of this machine is given to it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module
    #[arg(value_name = "MODULE")]
    module: Utf8PathBuf,
    /// Write the interface to a file instead of printing it
    #[arg(short, long, value_name = "FILE.did")]
    output: Option<Utf8PathBuf>,
    /// Write the module with the interface as public metadata, `icp:public candid:service`
    #[arg(long, value_name = "FILE.wasm")]
    embed: Option<Utf8PathBuf>,
    /// Whether the module does all that this interface promises; exit code 1 when it does not
    #[arg(long, value_name = "FILE.did")]
    check: Option<Utf8PathBuf>,
    /// Run the export, whatever stands in the metadata
    #[arg(long)]
    run: bool,
}

/// Runs it.
///
/// # Errors
/// When the module says no interface, or a file can't be read or written.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let bytes = match Input::read(&args.module, &ctx.cwd)?.content {
        Content::Module(bytes) | Content::Compressed(bytes, _) => bytes,
        Content::Object(_) | Content::Archive(_) => {
            anyhow::bail!("`{}` is not linked yet: it has no interface", args.module)
        }
    };
    let text = text(args, &bytes, ctx)
        .with_context(|| format!("the interface of `{}` is not to be had", args.module))?;
    if let Some(path) = &args.embed {
        let module = custom::embed(&bytes, custom::CANDID, text.as_bytes())?;
        fs_err::write(ctx.cwd.join(path), module)?;
        ctx.reporter.status("Embedded", format!("{} bytes of Candid, in `{path}`", text.len()));
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
        && let Some(told) = Interface::told(bytes)?
    {
        ctx.reporter.note(format!(
            "this stands in the section `{}`; `--run` asks the module itself",
            custom::CANDID
        ));
        return Ok(told.text);
    }
    interface::said(&Host::new(ctx)?.module(bytes)?)
}

fn check(text: &str, path: &Utf8PathBuf, ctx: &Ctx) -> anyhow::Result<Exit> {
    let promised = fs_err::read_to_string(ctx.cwd.join(path))?;
    let promised =
        Interface::parse(&promised).with_context(|| format!("`{path}` is no interface"))?;
    let broken = Interface::parse(text)?.breaks(&promised);
    if broken.is_empty() {
        ctx.reporter.status("Checked", format!("the module does all that `{path}` promises"));
        return Ok(Exit::Success);
    }
    ctx.reporter.error(&anyhow::anyhow!("the module does not do all that `{path}` promises"));
    for line in broken {
        ctx.reporter.data(line);
    }
    Ok(Exit::Findings)
}
