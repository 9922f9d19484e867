//! `cargo pywasm project`: prints the settings of the current package for its build script.

use serde::Serialize;

use crate::config::{PackageSettings, Workspace};
use crate::exit::Exit;
use pywasm_session::Message;
use pywasm_store::Ctx;

/// Print the resolved settings of the current package as JSON
///
/// pywasm-build runs this command when `.pywasm/project.json` is missing or older than Cargo.toml.
#[derive(Debug, clap::Args)]
pub struct Args {}

#[derive(Serialize)]
struct ProjectMessage<'a> {
    package: &'a PackageSettings,
}

impl Message for ProjectMessage<'_> {
    const REASON: &'static str = "project";
}

/// Runs the command.
///
/// # Errors
/// When there is no package, or its `[package.metadata.pywasm]` table is invalid.
pub fn run(_args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let package = Workspace::new(ctx).current_package()?;
    ctx.reporter.json(&ProjectMessage { package: &package });
    Ok(Exit::Success)
}
