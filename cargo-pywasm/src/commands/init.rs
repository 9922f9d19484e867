//! `cargo pywasm init`: sets up an existing crate to embed Python.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::config::{Selection, Settings, Workspace};
use crate::exit::Exit;
use crate::project::{init, prepare};
use pywasm_session::WithHint;
use pywasm_store::Ctx;

/// Set up a crate to embed Python, so that plain `cargo build`, `run` and `test` work
///
/// Adds what is missing: `[package.metadata.pywasm]` and pywasm-build to Cargo.toml, a build.rs,
/// and a marked block in `.cargo/config.toml`. Existing lines are not changed. Then installs the
/// Python that the crate requests.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The crate's directory
    #[arg(value_name = "PATH", default_value = ".")]
    path: Utf8PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When there is no crate, a file of the crate conflicts with the setup, or the requested Python
/// cannot be installed.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let dir = ctx.cwd.join(&args.path);
    let dir = dir.canonicalize_utf8().with_context(|| format!("cannot open `{dir}`"))?;
    if !dir.join("Cargo.toml").is_file() {
        return Err(anyhow::anyhow!("`{dir}` has no Cargo.toml"))
            .hint(|| "`cargo pywasm new NAME` creates a crate".to_owned());
    }
    // An invalid selection must be reported before any file is written.
    Settings::resolve(&args.selection, &Workspace::new(ctx))?;
    init(&dir, &args.selection, ctx)?;
    let there = ctx.at(dir);
    let workspace = Workspace::new(&there);
    let project = workspace.project()?.context("the crate does not embed Python")?;
    prepare(&project, &workspace).context(
        "the crate was set up, but Python is not installed; run `cargo pywasm install` in the crate",
    )?;
    Ok(Exit::Success)
}
