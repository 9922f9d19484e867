//! Prepares a project for Cargo: installs Python, links the project to the installation, unpacks
//! `pywasm-build`, and finds a Rust toolchain with the target.

use pywasm_recipes::{MinorVersion, Recipe};

use super::local::Local;
use super::{DIRECTORY, Linked, helper, provide, rust};
use crate::config::{Project, Selection, Settings, Workspace};
use crate::{compiler, installed};
use pywasm_audit::Policy;
use pywasm_cpython::build::BuildPython;
use pywasm_cpython::install::{Installed, Release, Request, install};
use pywasm_cpython::libraries::selected;
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_toolchain::ToolchainRequest;

/// Installs the Python that the project requests, unless it is already installed, and links the
/// project to it.
///
/// # Errors
/// When Python cannot be installed, the project cannot be written, or no Rust toolchain has the
/// target.
pub fn prepare(project: &Project, workspace: &Workspace<'_>) -> anyhow::Result<Installed> {
    let ctx = workspace.ctx();
    let settings = Settings::resolve(&Selection::default(), workspace)?;
    fits_the_policy(&settings.recipe, workspace)?;
    let Release { pin, evidence } = &Release::resolve(settings.python, ctx)?;
    let request = Request {
        recipe: &settings.recipe,
        pin,
        evidence: *evidence,
        local: None,
        libraries: selected(&settings.recipe, pin.series())?,
        toolchain: ToolchainRequest::Auto.or_environment(&ctx.env),
        build_python: BuildPython::None,
        seeded: true,
    };
    let installed = install(&request, false, ctx)?;
    if !installed.fresh {
        ctx.reporter.status("Installed", installed.root.file_name().unwrap_or_default());
    }
    connect(project, &installed, workspace)?;
    Ok(installed)
}

/// Checks that the current crate's policy allows the wasm features that a recipe uses. The check
/// comes before Python is built, because the build takes minutes.
///
/// # Errors
/// When the policy does not allow a feature, or cannot be read.
pub(crate) fn fits_the_policy(recipe: &Recipe, workspace: &Workspace<'_>) -> anyhow::Result<()> {
    let Some(policy) = workspace.policy()? else { return Ok(()) };
    let policy = Policy::load(&policy, &workspace.ctx().cwd)?;
    let missing: Vec<String> =
        policy.lacks(&recipe.build.features).map(|feature| format!("`{feature}`")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (recipe, policy, missing) = (&recipe.name, &policy.name, missing.join(", "));
    Err(anyhow::anyhow!("recipe `{recipe}` uses {missing}, which policy `{policy}` does not allow"))
        .hint(|| {
            "change `build.features` in the recipe, or choose a different `policy` in Cargo.toml"
                .to_owned()
        })
}

/// Warns if the project is inside another one with a different Python. Cargo joins the configurations
/// of both, so that PyO3 would be compiled for both.
fn warn_of_outer_project(project: &Project, installed: &Installed, ctx: &Ctx) {
    let outer = project.dir.parent().and_then(|dir| Linked::find(dir).ok().flatten());
    if let Some(outer) = outer.filter(|outer| outer.installation != installed.root) {
        ctx.reporter.warn(format!(
            "`{}` is inside a project that embeds a different Python, `{}`; Cargo joins the settings \
             of both, so PyO3 may be compiled for the wrong one",
            project.dir, outer.installation
        ));
    }
}

/// Links the project to an installation and to a Rust toolchain.
///
/// # Errors
/// When a table of the workspace is invalid, the project cannot be written, or no Rust toolchain
/// has the target.
pub fn connect(
    project: &Project,
    installed: &Installed,
    workspace: &Workspace<'_>,
) -> anyhow::Result<()> {
    let ctx = workspace.ctx();
    let packages = workspace.package_settings()?;
    let linked = Linked::new(installed.root.clone(), project.stdlib, packages);
    let mut changed = linked.write(&project.dir)?;
    let python = linked.open()?;
    if let Some(required) = &project.requirements {
        provide(required, python.version().parse()?, ctx)?;
    }
    let helper = project.helper_by_version.then(|| helper::unpack(&project.dir)).transpose()?;
    let rust = rust::choose(&project.dir, ctx);
    let toolchain = installed::utf8(python.toolchain())?;
    // The file is written even if no toolchain was found; that error is returned at the end.
    let local = Local {
        project: &project.dir,
        rust: rust.as_ref().ok().cloned().flatten(),
        helper,
        compiler: compiler::variables(&toolchain, &[]),
        pyo3: project.pyo3,
        minor: python.series().parse::<MinorVersion>()?.minor,
    };
    changed |= local.write()?;
    warn_of_outer_project(project, installed, ctx);
    if changed {
        ctx.reporter.status("Linked", project.dir.join(DIRECTORY));
    }
    rust.map(|_| ())
}
