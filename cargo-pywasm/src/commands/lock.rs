//! `cargo pywasm lock`: resolves the requirements of the current crate.

use anyhow::Context;

use crate::config::{Required, Workspace};
use crate::exit::Exit;
use crate::project::{lock, prepare};
use pywasm_recipes::PatchVersion;
use pywasm_session::WithHint;
use pywasm_store::Ctx;

/// Resolve the `requirements` of the current crate and write `pylock.toml`
///
/// `pylock.toml` (PEP 751) contains the exact versions of all Python packages that the crate embeds,
/// with digests. Commit it. Other commands resolve the requirements only if they have changed. uv
/// finds the versions, and uses the indexes that uv or pip is configured for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Take the newest versions instead of those in the lock
    #[arg(long, short = 'U', conflicts_with = "check")]
    upgrade: bool,
    /// Fail if the lock does not match the requirements, and change nothing
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// When the crate has no requirements, or they cannot be resolved.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    let (required, python) = required(&workspace)?;
    if args.check {
        let locked = required.requirements.locked(&required.dir, python.series)?;
        let path = required.requirements.lock_path(&required.dir);
        locked
            .with_context(|| format!("`{path}` does not match the requirements"))
            .hint(|| "`cargo pywasm lock` writes it".to_owned())?;
        return Ok(Exit::Success);
    }
    lock(&required, python, args.upgrade, ctx)?;
    Ok(Exit::Success)
}

/// Returns the requirements of the current crate and the version of its Python, which is installed if
/// it is missing.
///
/// # Errors
/// When there is no crate that embeds Python, it has no requirements, or Python cannot be installed.
pub(super) fn required(workspace: &Workspace<'_>) -> anyhow::Result<(Required, PatchVersion)> {
    let mut project = workspace.require_project()?;
    let required = project.requirements.take();
    let required = required
        .context("the crate has no `requirements`")
        .hint(|| "`cargo pywasm add NAME` adds one".to_owned())?;
    let installed = prepare(&project, workspace)?;
    let python = pywasm_build::Installation::open(&installed.root)?;
    Ok((required, python.version().parse()?))
}
