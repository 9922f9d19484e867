//! `cargo pywasm new`: a new crate with Python inside.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::config::{Selection, Settings, project};
use crate::exit::Exit;
use crate::project::{Template, init, prepare};
use pywasm_store::Ctx;

/// Make a new crate with Python inside, for which plain `cargo build`, `run` and `test` work
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// What kind of module it becomes
    #[arg(long, value_name = "TEMPLATE", value_enum, default_value = "command")]
    template: Template,
    /// Its name, when it is not that of the directory
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its directory
    #[arg(value_name = "PATH")]
    path: Utf8PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When Cargo refuses the name, or what the crate asks for can't be installed.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    // What can't be built is refused before anything is written.
    let selection = args.template.selection(&args.selection);
    Settings::resolve(&selection, ctx)?;
    args.template.make(&args.path, args.name.as_deref(), &selection, ctx)?;
    let dir = ctx.cwd.join(&args.path).canonicalize_utf8()?;
    ctx.reporter.status("Created", format!("`{}`", args.path));
    init(&dir, &selection, ctx)?;
    let there = ctx.at(dir.clone());
    let project = project(&there)?.context("the crate does not ask for a Python")?;
    prepare(&project, &there)
        .context("the crate is made; `cargo pywasm install` in it does the rest")?;
    let name = args.name.as_deref().or(dir.file_name()).unwrap_or_default();
    let mut next = vec![format!("cd {}", args.path)];
    next.extend(args.template.next(name));
    ctx.reporter.note(format!("`{}`", next.join(" && ")));
    Ok(Exit::Success)
}
