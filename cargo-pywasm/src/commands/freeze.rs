//! `cargo pywasm freeze`: writes Python code and files into an object for a wasm module.

use anyhow::Context;
use camino::Utf8PathBuf;
use pywasm_build::Installation;
use serde::{Deserialize, Serialize};

use crate::config::{Project, Selection, Stdlib, Workspace};
use crate::exit::Exit;
use crate::installed::{self, utf8};
use crate::project::{Linked, frozen, located, wheels};
use pywasm_cpython::freeze::{Frozen, Module, Package, Wanted, Wheel};
use pywasm_recipes::Exclude;
use pywasm_session::Message;
use pywasm_store::Ctx;

/// Compile Python code into an object that is linked into a wasm module
///
/// Selects standard library modules, together with everything that they import. They become frozen
/// code, or with `stdlib = "embedded"`, files in the module. The files of your own packages become part
/// of the directory /pywasm in the module. The names come from the command line, from `freeze` and
/// `packages` in the crate's `[package.metadata.pywasm]`, and from the recipe. pywasm-build runs this
/// command in build scripts. Without --output, lists the modules and files.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The installation [default: that of the current crate, else the newest one]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["python", "recipe"])]
    installation: Option<Utf8PathBuf>,
    /// A module of the standard library: `json`, `email.*` for a package with all its submodules,
    /// `*` for the whole library, `!name` to exclude a module
    #[arg(long, value_name = "NAME")]
    module: Vec<String>,
    /// One of your own packages or files: `python/app`, `python/app.py`
    #[arg(long, value_name = "PATH")]
    package: Vec<Utf8PathBuf>,
    /// Leave out files of packages, as paths in /pywasm: `app/tests/*`; `!PATTERN` keeps files that an
    /// earlier pattern leaves out
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Exclude>,
    /// Embed the source of embedded modules in addition to their bytecode
    #[arg(long)]
    source: bool,
    /// Source of the standard library [default: the crate's setting, else `dir`]; with `embedded`, its
    /// modules become files instead of frozen code
    #[arg(long, value_name = "embedded|zip|dir")]
    stdlib: Option<Stdlib>,
    /// Let Python import only the selected modules and packages, and the modules that they need
    #[arg(long)]
    closed: bool,
    /// Write the object to this file instead of listing the modules; if the name ends in `.a`, write
    /// an archive with everything to link. For embedded files, an object also needs
    /// `lib/pywasm-files.o` of the installation
    #[arg(long, short, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
}

#[derive(Serialize)]
struct FrozenMessage<'a> {
    output: Option<&'a Utf8PathBuf>,
    modules: &'a [Module],
    files: Vec<EmbeddedFile>,
    absent: &'a [String],
    unknown: &'a [String],
    /// Files and directories that the object depends on.
    inputs: Vec<Utf8PathBuf>,
}

/// A file by its absolute path in the module.
#[derive(Serialize)]
struct EmbeddedFile {
    path: Utf8PathBuf,
    size: usize,
}

impl Message for FrozenMessage<'_> {
    const REASON: &'static str = "frozen";
}

/// Runs the command. If no modules or packages are requested, the object is empty, unless the library
/// is embedded, or the set of modules is closed: a closed set always contains the modules that Python
/// needs to start.
///
/// # Errors
/// When a module or package cannot be found or compiled, or the object cannot be written.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    let python = installation(args, &workspace)?;
    let project = workspace.project()?;
    let (wheels, mut inputs) = required(project.as_ref(), &python, ctx)?;
    let wanted = wanted(args, project, wheels, &python, ctx)?;
    inputs.extend(wanted.packages.iter().map(|package| package.path.clone()));
    let frozen = freeze(&wanted, &python, ctx)?;
    frozen.warnings.iter().for_each(|warning| ctx.reporter.warn(warning));
    if let Some(output) = &args.output {
        let path = ctx.cwd.join(output);
        let archive = path.extension() == Some("a");
        let bytes =
            if archive { frozen.archive(&utf8(python.lib_dir())?)? } else { frozen.object() };
        fs_err::write(&path, bytes).context("cannot write the object")?;
    }
    if ctx.reporter.is_json() {
        ctx.reporter.json(&FrozenMessage {
            output: args.output.as_ref(),
            modules: &frozen.modules,
            files: frozen
                .embedded
                .files()
                .map(|(path, size)| EmbeddedFile { path, size })
                .collect(),
            absent: &frozen.absent,
            unknown: &frozen.unknown,
            inputs,
        });
    } else if args.output.is_none() {
        list(&frozen, ctx);
    }
    Ok(Exit::Success)
}

fn freeze(wanted: &Wanted, python: &Installation, ctx: &Ctx) -> anyhow::Result<Frozen> {
    if wanted.is_empty() && !wanted.closed && !wanted.library_files {
        return Ok(Frozen::default());
    }
    frozen(wanted, python, ctx)
}

fn installation(args: &Args, workspace: &Workspace<'_>) -> anyhow::Result<Installation> {
    let cwd = &workspace.ctx().cwd;
    if let Some(dir) = &args.installation {
        return Ok(Installation::open(cwd.join(dir))?);
    }
    match Linked::find(cwd)? {
        Some(linked) if args.selection.is_empty() => linked.open(),
        _ => installed::find(&args.selection, workspace),
    }
}

/// Returns the packages that the crate requires by name, and the files that they depend on.
fn required(
    project: Option<&Project>,
    python: &Installation,
    ctx: &Ctx,
) -> anyhow::Result<(Vec<Wheel>, Vec<Utf8PathBuf>)> {
    let Some(required) = project.and_then(|it| it.requirements.as_ref()) else {
        return Ok(Default::default());
    };
    let (packages, inputs) = located(required, python.version().parse()?, ctx)?;
    Ok((wheels(&packages), inputs))
}

/// Collects the modules and packages that the recipe, the crate and the command line request, in
/// this order.
fn wanted(
    args: &Args,
    project: Option<Project>,
    wheels: Vec<Wheel>,
    python: &Installation,
    ctx: &Ctx,
) -> anyhow::Result<Wanted> {
    let recipe = Recipe::of(python)?;
    let mut modules = recipe.freeze;
    let mut packages = Vec::new();
    let mut provided = Vec::new();
    let mut closed = recipe.closed;
    let mut source = args.source;
    let mut stdlib = args.stdlib;
    let mut exclude = args.exclude.clone();
    if let Some(project) = project {
        provided = project.provided;
        source |= project.source;
        stdlib = stdlib.or(Some(project.stdlib));
        exclude.extend(project.exclude);
        modules.extend(project.freeze);
        packages.extend(
            project
                .packages
                .into_iter()
                .map(|package| Package { path: package.path, shown: package.shown.into_string() }),
        );
        closed = project.closed.unwrap_or(closed);
    }
    modules.extend(args.module.iter().cloned());
    packages.extend(
        args.package
            .iter()
            .map(|path| Package { path: ctx.cwd.join(path), shown: path.to_string() }),
    );
    let closed = closed || args.closed;
    let library_files = stdlib == Some(Stdlib::Embedded);
    // Nothing tells which modules the crate's Rust code imports.
    let selects_none = modules.is_empty() && packages.is_empty() && wheels.is_empty();
    if library_files && !closed && selects_none {
        modules.push("*".to_owned());
    }
    Ok(Wanted {
        modules,
        packages,
        wheels,
        closed,
        library_files,
        provided,
        exclude,
        in_crate: true,
        source,
    })
}

/// The recipe keys that select frozen modules.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Recipe {
    freeze: Vec<String>,
    closed: bool,
}

impl Recipe {
    /// Reads the recipe from an installation's manifest.
    fn of(python: &Installation) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Manifest {
            recipe: Entry,
        }
        #[derive(Deserialize)]
        struct Entry {
            #[serde(default)]
            content: Recipe,
        }
        let manifest: Manifest = serde_json::from_str(python.manifest())?;
        Ok(manifest.recipe.content)
    }
}

fn list(frozen: &Frozen, ctx: &Ctx) {
    for Module { name, size, .. } in &frozen.modules {
        ctx.reporter.data(format!("{size:>9}  module  {name}"));
    }
    for (path, size) in frozen.embedded.files() {
        ctx.reporter.data(format!("{size:>9}  file    {path}"));
    }
    let total: usize = frozen.modules.iter().map(|module| module.size).sum();
    ctx.reporter.note(format!("{} modules, {total} bytes of code", frozen.modules.len()));
    let sizes: Vec<usize> = frozen.embedded.files().map(|(_, size)| size).collect();
    if !sizes.is_empty() {
        let total: usize = sizes.iter().sum();
        ctx.reporter.note(format!("{} files, {total} bytes", sizes.len()));
    }
    if !frozen.absent.is_empty() {
        let absent = frozen.absent.join(", ");
        ctx.reporter.note(format!(
            "these modules are not included, but functions in the standard library import them: {absent}"
        ));
    }
    if !frozen.unknown.is_empty() {
        let unknown = frozen.unknown.join(", ");
        ctx.reporter.note(format!(
            "your code imports modules that were not found, so your Rust code must provide them: {unknown}"
        ));
    }
}
