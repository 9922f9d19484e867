//! `cargo pywasm freeze`: Python code as an object that a wasm module is linked with.

use anyhow::Context;
use camino::Utf8PathBuf;
use pywasm_build::Installation;
use serde::Serialize;

use crate::config::{Project, Selection, project};
use crate::exit::Exit;
use crate::installed::{self, utf8};
use crate::project::Linked;
use pywasm_cpython::freeze::{Frozen, Interpreter, Module, Package, Wanted, collect};
use pywasm_runtime::Runtime;
use pywasm_session::Message;
use pywasm_store::Ctx;

/// Compile Python code into an object that a wasm module is linked with
///
/// What is frozen: modules of the standard library with all that they import, and packages of your
/// own; those named here, in the crate's `[package.metadata.pywasm]` (`freeze`, `packages`) and in the
/// recipe. Build scripts call this through pywasm-build; by hand it shows what would be inside.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The installation, instead of the crate's or the newest
    #[arg(long, value_name = "DIR", conflicts_with_all = ["python", "recipe"])]
    installation: Option<Utf8PathBuf>,
    /// A module of the standard library: `json`, `email.*` for a package with all below, `*` for
    /// everything, `!name` for what stays out
    #[arg(long, value_name = "NAME")]
    module: Vec<String>,
    /// A package or a file of your own: `python/app`, `python/app.py`
    #[arg(long, value_name = "PATH")]
    package: Vec<Utf8PathBuf>,
    /// Have all tables of modules made of what is named, so that nothing else of Python is linked
    #[arg(long)]
    closed: bool,
    /// Write the object here, or an archive with it (`.a`), instead of listing what is in it
    #[arg(long, short, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
}

#[derive(Serialize)]
struct FrozenMessage<'a> {
    output: Option<&'a Utf8PathBuf>,
    modules: &'a [Module],
    absent: &'a [String],
    unknown: &'a [String],
    /// Files and directories whose change changes the object.
    inputs: Vec<&'a Utf8PathBuf>,
}

impl Message for FrozenMessage<'_> {
    const REASON: &'static str = "frozen";
}

/// Runs the command.
///
/// # Errors
/// When nothing is named, a module is not there or no Python, or the object can't be written.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let python = installation(args, ctx)?;
    let wanted = wanted(args, project(ctx)?.as_ref(), &python, ctx);
    anyhow::ensure!(!wanted.is_empty(), "nothing is named that could be frozen");
    let (wasm, stdlib) = (utf8(python.python_wasm())?, utf8(python.stdlib())?);
    let interpreter = Interpreter { wasm: &wasm, stdlib: &stdlib, series: python.series() };
    let frozen = collect(&wanted, interpreter, &Runtime::new(ctx)?)?;
    if !frozen.warnings.is_empty() {
        ctx.reporter.warn(&frozen.warnings);
    }
    if let Some(output) = &args.output {
        let path = ctx.cwd.join(output);
        let archive = path.extension() == Some("a");
        let bytes = if archive { frozen.archive() } else { frozen.object() };
        fs_err::write(&path, bytes).context("can't write the object")?;
    }
    if ctx.reporter.is_json() {
        ctx.reporter.json(&FrozenMessage {
            output: args.output.as_ref(),
            modules: &frozen.modules,
            absent: &frozen.absent,
            unknown: &frozen.unknown,
            inputs: wanted.packages.iter().map(|package| &package.path).collect(),
        });
    } else if args.output.is_none() {
        list(&frozen, ctx);
    }
    Ok(Exit::Success)
}

fn installation(args: &Args, ctx: &Ctx) -> anyhow::Result<Installation> {
    if let Some(dir) = &args.installation {
        return Ok(Installation::open(ctx.cwd.join(dir))?);
    }
    let selected = args.selection.python.is_some() || args.selection.recipe.is_some();
    match Linked::find(&ctx.cwd)? {
        Some(linked) if !selected => linked.open(),
        _ => installed::find(&args.selection, ctx),
    }
}

/// What the recipe, the crate and the command line name, in this order.
fn wanted(args: &Args, project: Option<&Project>, python: &Installation, ctx: &Ctx) -> Wanted {
    let recipe = python.manifest().pointer("/recipe/content/freeze");
    let recipe = recipe.and_then(serde_json::Value::as_array).into_iter().flatten();
    let mut modules: Vec<String> =
        recipe.filter_map(serde_json::Value::as_str).map(str::to_owned).collect();
    let mut packages = Vec::new();
    if let Some(project) = project {
        modules.extend(project.freeze.iter().cloned());
        let shown = |path: &Utf8PathBuf| path.to_string();
        packages.extend(
            project
                .packages
                .iter()
                .map(|path| Package { path: project.dir.join(path), shown: shown(path) }),
        );
    }
    modules.extend(args.module.iter().cloned());
    packages.extend(
        args.package
            .iter()
            .map(|path| Package { path: ctx.cwd.join(path), shown: path.to_string() }),
    );
    let recipe = python.manifest().pointer("/recipe/content/closed");
    let recipe = recipe.and_then(serde_json::Value::as_bool).unwrap_or_default();
    let closed = args.closed || project.and_then(|project| project.closed).unwrap_or(recipe);
    Wanted { modules, packages, closed }
}

fn list(frozen: &Frozen, ctx: &Ctx) {
    for Module { name, size, own, .. } in &frozen.modules {
        let whose = if *own { "own" } else { "library" };
        ctx.reporter.data(format!("{size:>9}  {whose:<8} {name}"));
    }
    let total: usize = frozen.modules.iter().map(|module| module.size).sum();
    ctx.reporter.note(format!("{} modules, {total} bytes of code", frozen.modules.len()));
    if !frozen.absent.is_empty() {
        let absent = frozen.absent.join(", ");
        ctx.reporter.note(format!("functions of the library import, and do not find: {absent}"));
    }
    if !frozen.unknown.is_empty() {
        let unknown = frozen.unknown.join(", ");
        ctx.reporter.note(format!("your code imports what has to come from Rust: {unknown}"));
    }
}
