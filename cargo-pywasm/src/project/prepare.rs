//! From a crate's settings to a crate that Cargo can build here: an installation, the link to it,
//! the helper of its build script, and a Rust.

use pywasm_recipes::{CpythonPin, Recipe};

use super::local::Local;
use super::{DIRECTORY, Linked, helper, rust};
use crate::config::{Project, Selection, Settings, policy};
use pywasm_audit::Policy;
use pywasm_cpython::build::BuildPython;
use pywasm_cpython::install::{Installed, Request, install};
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_toolchain::ToolchainRequest;

/// Installs what the project asks for, when it is missing, and connects the project to it.
///
/// # Errors
/// When it can't be installed, the project can't be written, or no Rust can build it.
pub fn prepare(project: &Project, ctx: &Ctx) -> anyhow::Result<Installed> {
    let settings = Settings::resolve(&Selection::default(), ctx)?;
    fits_the_policy(&settings.recipe, ctx)?;
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

/// Whether the host that the crate one stands in names has what a recipe compiles for: a build takes minutes,
/// and this is known before.
///
/// # Errors
/// When it lacks some of it, or the policy can't be read.
pub(crate) fn fits_the_policy(recipe: &Recipe, ctx: &Ctx) -> anyhow::Result<()> {
    let Some(policy) = policy(ctx)? else { return Ok(()) };
    let policy = Policy::load(&policy, &ctx.cwd)?;
    let missing: Vec<String> =
        policy.lacks(&recipe.build.features).map(|feature| format!("`{feature}`")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (recipe, policy, missing) = (&recipe.name, &policy.name, missing.join(", "));
    Err(anyhow::anyhow!(
        "recipe `{recipe}` compiles for {missing}, which policy `{policy}` does not have"
    ))
    .hint(|| {
        "take it out of the recipe's `build.features`, or choose another `policy` in Cargo.toml"
            .to_owned()
    })
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
