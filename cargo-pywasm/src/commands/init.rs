//! `cargo pywasm init`: a crate of yours gets Python inside.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::config::{Selection, Settings, project};
use crate::exit::Exit;
use crate::project::{init, prepare};
use pywasm_session::WithHint;
use pywasm_store::Ctx;

/// Make a crate ready for Python inside, so that plain `cargo build`, `run` and `test` work
///
/// Adds what is missing: `[package.metadata.pywasm]` and pywasm-build to Cargo.toml, a build.rs, and
/// a marked block in `.cargo/config.toml`. Nothing of yours is changed. Then what the crate asks for
/// is installed.
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
/// When there is no crate, something of it is in the way, or what it asks for can't be installed.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let dir = ctx.cwd.join(&args.path);
    let dir = dir.canonicalize_utf8().with_context(|| format!("can't open `{dir}`"))?;
    if !dir.join("Cargo.toml").is_file() {
        return Err(anyhow::anyhow!("`{dir}` has no Cargo.toml"))
            .hint(|| "`cargo pywasm new NAME` makes a new crate".to_owned());
    }
    // What can't be built is refused before anything is written.
    Settings::resolve(&args.selection, ctx)?;
    init(&dir, &args.selection, ctx)?;
    let there = ctx.at(dir);
    let project = project(&there)?.context("the crate does not ask for a Python")?;
    prepare(&project, &there)
        .context("the crate is ready; `cargo pywasm install` in it does the rest")?;
    Ok(Exit::Success)
}
