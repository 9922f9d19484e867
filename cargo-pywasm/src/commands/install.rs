//! `cargo pywasm install`: a CPython for wasm32-wasip1, in the store.

use anyhow::Context;
use camino::Utf8PathBuf;
use pywasm_recipes::{CpythonPin, MinorVersion};
use serde::Serialize;

use crate::config::{Selection, Settings, project};
use crate::cpython::BuildPython;
use crate::exit::Exit;
use crate::install::{Plan, Request, install};
use crate::project::{connect, fits_the_policy};
use pywasm_session::{Message, WithHint};
use pywasm_store::Ctx;
use pywasm_toolchain::ToolchainRequest;

/// Build and verify a CPython for wasm32-wasip1, and keep it in the store
///
/// In a crate whose Cargo.toml has `[package.metadata.pywasm]`, what it asks for is installed, and
/// `.pywasm/` beside that Cargo.toml tells build scripts, PyO3 and `run-wasm` where it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// A WASI SDK to use [env: WASI_SDK_PATH]
    #[arg(long, value_name = "PATH", conflicts_with = "toolchain")]
    wasi_sdk: Option<Utf8PathBuf>,
    /// Where the compiler comes from
    #[arg(long, value_name = "auto|official|packages", default_value = "auto")]
    toolchain: ToolchainRequest,
    /// A Python of the same minor version on this machine, to freeze modules with;
    /// without it CPython's own freezer does it [env: PYWASM_BUILD_PYTHON]
    #[arg(long, value_name = "PATH")]
    build_python: Option<Utf8PathBuf>,
    /// Build again what is installed already
    #[arg(long)]
    force: bool,
    /// Ask configure everything, though the answers are known for this libc
    #[arg(long)]
    no_seed: bool,
    /// Print the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct PlanMessage<'a> {
    plan: &'a Plan,
}

impl Message for PlanMessage<'_> {
    const REASON: &'static str = "plan";
}

#[derive(Serialize)]
struct InstalledMessage<'a> {
    path: &'a str,
    fresh: bool,
}

impl Message for InstalledMessage<'_> {
    const REASON: &'static str = "installed";
}

/// Runs the command.
///
/// # Errors
/// When something that is asked for can't be had, built or verified.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let settings = Settings::resolve(&args.selection, ctx)?;
    fits_the_policy(&settings.recipe, ctx)?;
    let pin = CpythonPin::resolve(settings.python)
        .hint(|| "`--python 3.13` takes the newest pinned release of a series".to_owned())?;
    let request = Request {
        recipe: &settings.recipe,
        pin,
        toolchain: toolchain_request(args, ctx),
        build_python: build_python(args, pin.series(), ctx)?,
        seeded: !args.no_seed,
    };
    if args.dry_run {
        let plan = Plan::make(&request, args.force, ctx)?;
        if ctx.reporter.is_json() {
            ctx.reporter.json(&PlanMessage { plan: &plan });
        } else {
            ctx.reporter.data(plan.to_string());
        }
        return Ok(Exit::Success);
    }
    let installed = install(&request, args.force, ctx)?;
    let verb = if installed.fresh { "Fresh" } else { "Installed" };
    let name = installed.root.file_name().unwrap_or_default();
    ctx.reporter.status(verb, name);
    if let Some(project) = project(ctx)? {
        connect(&project, &installed, ctx)?;
    }
    if ctx.reporter.is_json() {
        let path = installed.root.as_str();
        ctx.reporter.json(&InstalledMessage { path, fresh: installed.fresh });
    } else {
        ctx.reporter.data(&installed.root);
    }
    Ok(Exit::Success)
}

/// `--wasi-sdk`, then `WASI_SDK_PATH` unless a road was named, then the road.
fn toolchain_request(args: &Args, ctx: &Ctx) -> ToolchainRequest {
    let named = args.wasi_sdk.clone().map(|path| ctx.cwd.join(path));
    let from_env = || ctx.env.path("WASI_SDK_PATH");
    match (named, &args.toolchain) {
        (Some(path), _) => ToolchainRequest::Path(path),
        (None, ToolchainRequest::Auto) => {
            from_env().map_or(ToolchainRequest::Auto, ToolchainRequest::Path)
        }
        (None, road) => road.clone(),
    }
}

/// The Python that is asked for, once it has said that it is of the right series.
fn build_python(args: &Args, series: MinorVersion, ctx: &Ctx) -> anyhow::Result<BuildPython> {
    let named = args.build_python.clone().map(|path| ctx.cwd.join(path));
    let Some(path) = named.or_else(|| ctx.env.path("PYWASM_BUILD_PYTHON")) else {
        return Ok(BuildPython::None);
    };
    let output = std::process::Command::new(&path)
        .args(["-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.version)"])
        .env_clear()
        .output()
        .with_context(|| format!("can't run the build Python `{path}`"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let (found, version) = said.trim().split_once(' ').unwrap_or(("no working Python", ""));
    if found != series.to_string() {
        return Err(anyhow::anyhow!("the build Python `{path}` is {found}, not {series}"))
            .hint(|| "leave it out: modules are frozen without a build Python then".to_owned());
    }
    Ok(BuildPython::Given {
        path,
        version: version.split_whitespace().collect::<Vec<_>>().join(" "),
    })
}
