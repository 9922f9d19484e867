//! `cargo pywasm install`: builds CPython for wasm32-wasip1 and adds it to the store.

use anyhow::Context;
use camino::Utf8PathBuf;
use pywasm_recipes::{Digest, MinorVersion, PythonRequest};
use serde::Serialize;

use crate::config::{Selection, Settings, Workspace};
use crate::exit::Exit;
use crate::project::{connect, fits_the_policy};
use pywasm_cpython::build::BuildPython;
use pywasm_cpython::install::{Local, Plan, Release, Request, install};
use pywasm_cpython::libraries::selected;
use pywasm_session::variables::{PYWASM_BUILD_PYTHON, WASI_SDK_PATH};
use pywasm_session::{Message, WithHint};
use pywasm_store::Ctx;
use pywasm_toolchain::ToolchainRequest;

/// Build and verify CPython for wasm32-wasip1, and add it to the store
///
/// In a crate with a `[package.metadata.pywasm]` table, installs what that table requests and
/// writes `.pywasm/`, which points build scripts, PyO3 and `run-wasm` at the installation.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// CPython's source: a directory, such as a checkout, or a tarball
    #[arg(long, value_name = "DIR|TARBALL", conflicts_with = "python")]
    source: Option<Utf8PathBuf>,
    /// SHA-256 of the source tarball of a release that is not pinned
    #[arg(long, value_name = "DIGEST", requires = "python", conflicts_with = "source")]
    sha256: Option<Digest>,
    /// Directory of a WASI SDK [env: WASI_SDK_PATH]
    #[arg(long, value_name = "PATH", conflicts_with = "toolchain")]
    wasi_sdk: Option<Utf8PathBuf>,
    /// Source of the compiler
    #[arg(long, value_name = "auto|official|packages", default_value = "auto")]
    toolchain: ToolchainRequest,
    /// Native Python of the same minor version as the CPython to build, used to freeze modules
    /// [default: CPython's own freezer] [env: PYWASM_BUILD_PYTHON]
    #[arg(long, value_name = "PATH")]
    build_python: Option<Utf8PathBuf>,
    /// Build again even if already installed
    #[arg(long)]
    force: bool,
    /// Run all `configure` checks instead of using recorded results
    #[arg(long)]
    no_seed: bool,
    /// Print the plan without running it
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
/// When the request is invalid, or fetching, building or verifying fails.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    let local = args.source.as_ref().map(|path| Local::read(&ctx.cwd.join(path), ctx));
    let local = local.transpose()?;
    let mut selection = args.selection.clone();
    if let Some(local) = &local {
        selection.python = Some(PythonRequest::Exact(local.release.pin.version));
    }
    let settings = Settings::resolve(&selection, &workspace)?;
    fits_the_policy(&settings.recipe, &workspace)?;
    let Release { pin, evidence } = &match &local {
        Some(local) => local.release.clone(),
        None => release(settings.python, args.sha256, ctx)?,
    };
    let request = Request {
        recipe: &settings.recipe,
        pin,
        evidence: *evidence,
        local: local.as_ref(),
        libraries: selected(&settings.recipe, pin.series())?,
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
    if let Some(project) = workspace.project()? {
        connect(&project, &installed, &workspace)?;
    }
    if ctx.reporter.is_json() {
        let path = installed.root.as_str();
        ctx.reporter.json(&InstalledMessage { path, fresh: installed.fresh });
    } else {
        ctx.reporter.data(&installed.root);
    }
    Ok(Exit::Success)
}

/// Returns the requested release.
fn release(python: PythonRequest, sha256: Option<Digest>, ctx: &Ctx) -> anyhow::Result<Release> {
    match (python, sha256) {
        (_, None) => Release::resolve(python, ctx),
        (PythonRequest::Exact(version), Some(sha256)) => Release::given(version, sha256),
        (PythonRequest::Series(series), Some(_)) => {
            anyhow::bail!("--sha256 needs a release, such as `--python {series}.1`")
        }
    }
}

/// Chooses the toolchain: `--wasi-sdk`, else a `--toolchain` other than `auto`, else
/// `WASI_SDK_PATH`, else `auto`.
fn toolchain_request(args: &Args, ctx: &Ctx) -> ToolchainRequest {
    let named = args.wasi_sdk.clone().map(|path| ctx.cwd.join(path));
    let from_env = || ctx.env.path(WASI_SDK_PATH);
    match (named, &args.toolchain) {
        (Some(path), _) => ToolchainRequest::Path(path),
        (None, ToolchainRequest::Auto) => {
            from_env().map_or(ToolchainRequest::Auto, ToolchainRequest::Path)
        }
        (None, source) => source.clone(),
    }
}

/// Returns the requested native Python, if any. Its minor version must be that of the CPython
/// to build.
fn build_python(args: &Args, series: MinorVersion, ctx: &Ctx) -> anyhow::Result<BuildPython> {
    let named = args.build_python.clone().map(|path| ctx.cwd.join(path));
    let Some(path) = named.or_else(|| ctx.env.path(PYWASM_BUILD_PYTHON)) else {
        return Ok(BuildPython::None);
    };
    let output = std::process::Command::new(&path)
        .args(["-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.version)"])
        .env_clear()
        .output()
        .with_context(|| format!("cannot run the build Python `{path}`"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let (found, version) = printed.trim().split_once(' ').unwrap_or(("not a working Python", ""));
    if found != series.to_string() {
        return Err(anyhow::anyhow!(
            "the build Python `{path}` is {found}, but {series} is needed"
        ))
        .hint(|| "leave the build Python unset to use CPython's own freezer".to_owned());
    }
    Ok(BuildPython::Given {
        path,
        version: version.split_whitespace().collect::<Vec<_>>().join(" "),
    })
}
