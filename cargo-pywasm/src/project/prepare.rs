//! From a crate's settings to a crate that Cargo can build here: an installation, the link to it,
//! the helper of its build script, and a Rust.

use pywasm_recipes::CpythonPin;

use super::local::Local;
use super::{DIRECTORY, Linked, helper, rust};
use crate::config::{Project, Selection, Settings};
use crate::cpython::BuildPython;
use crate::ctx::Ctx;
use crate::install::{Installed, Request, install};
use crate::reporter::WithHint;
use crate::toolchain::ToolchainRequest;

/// Installs what the project asks for, when it is missing, and connects the project to it.
///
/// # Errors
/// When it can't be installed, the project can't be written, or no Rust can build it.
pub fn prepare(project: &Project, ctx: &Ctx) -> anyhow::Result<Installed> {
    let settings = Settings::resolve(&Selection::default(), ctx)?;
    let pin = CpythonPin::resolve(settings.python)
        .hint(|| "`python = \"3.13\"` takes the newest pinned release of a series".to_owned())?;
    let request = Request {
        recipe: &settings.recipe,
        pin,
        toolchain: ToolchainRequest::Auto.or_environment(&ctx.env),
        build_python: BuildPython::None,
        seeded: true,
    };
    let installed = install(&request, false, ctx)?;
    if !installed.fresh {
        ctx.reporter.status("Installed", installed.root.file_name().unwrap_or_default());
    }
    connect(project, &installed, ctx)?;
    Ok(installed)
}

/// Connects the project to an installation and to a Rust.
///
/// # Errors
/// When the project can't be written, or no Rust can build it.
pub fn connect(project: &Project, installed: &Installed, ctx: &Ctx) -> anyhow::Result<()> {
    let mut changed = Linked::new(installed.root.clone(), project.stdlib).write(&project.dir)?;
    let helper = project.wants_helper.then(|| helper::unpack(&project.dir)).transpose()?;
    let rust = rust::choose(&project.dir, ctx);
    // Without a Rust the rest is still true.
    let local = Local { rust: rust.as_ref().ok().cloned().flatten(), helper };
    changed |= local.write(&project.dir)?;
    if changed {
        ctx.reporter.status("Linked", project.dir.join(DIRECTORY));
    }
    rust.map(|_| ())
}
