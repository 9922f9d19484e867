//! `cargo pywasm new`: creates a crate that embeds Python.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::config::{Selection, Settings, Workspace};
use crate::exit::Exit;
use crate::project::{Template, init, prepare};
use pywasm_store::Ctx;

/// Create a crate that embeds Python
///
/// Plain `cargo build`, `run` and `test` work in it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The kind of module
    #[arg(long, value_name = "TEMPLATE", value_enum, default_value = "command")]
    template: Template,
    /// The crate name [default: the directory name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The directory to create
    #[arg(value_name = "PATH")]
    path: Utf8PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When Cargo refuses the name, or the requested Python cannot be installed.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    // An invalid selection must be reported before any file is written.
    let selection = args.template.selection(&args.selection);
    Settings::resolve(&selection, &Workspace::new(ctx))?;
    args.template.create(&args.path, args.name.as_deref(), &selection, ctx)?;
    let dir = ctx.cwd.join(&args.path).canonicalize_utf8()?;
    ctx.reporter.status("Created", format!("`{}`", args.path));
    init(&dir, &selection, ctx)?;
    let there = ctx.at(dir.clone());
    let workspace = Workspace::new(&there);
    let project = workspace.project()?.context("the crate does not embed Python")?;
    prepare(&project, &workspace).context(
        "the crate was created, but Python is not installed; run `cargo pywasm install` in the crate",
    )?;
    let name = args.name.as_deref().or(dir.file_name()).unwrap_or_default();
    let mut next = vec![format!("cd {}", args.path)];
    next.extend(args.template.next(name));
    ctx.reporter.note(format!("`{}`", next.join(" && ")));
    Ok(Exit::Success)
}
