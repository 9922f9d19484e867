//! `cargo pywasm snapshot`: creates a wasm module that starts with Python initialized.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::config::{Selection, Stdlib, Workspace};
use crate::exit::Exit;
use crate::installed;
use crate::project;
use crate::sandbox::Access;
use pywasm_audit::Input;
use pywasm_cpython::smoke;
use pywasm_recipes::Import;
use pywasm_runtime::{Dir, Program, Runtime};
use pywasm_session::WithHint;
use pywasm_snapshot::{self as snapshot, Form, Request, Snapshot};
use pywasm_store::Ctx;
use pywasm_store::stage_file;

/// Make a snapshot of a module: a copy that starts with Python already initialized
///
/// Runs the module's initialization now. In the snapshot, Python is already initialized, and the
/// `--import` modules are already imported. Arguments, variables, directories, streams, clocks and
/// random numbers are set up again whenever the snapshot starts. During initialization, the program
/// sees a fixed date, the same standard library as with `run-wasm`, and the directories and
/// variables passed with `--dir` and `--env`. It must not leave files open. Prints the path of the
/// snapshot.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module: a command, a reactor, or a canister after `rewire`
    #[arg(value_name = "FILE", required_unless_present = "interpreter")]
    file: Option<Utf8PathBuf>,
    /// Use `python.wasm`, the interpreter of an installation
    #[arg(long, conflicts_with = "file")]
    interpreter: bool,
    #[command(flatten)]
    selection: Selection,
    /// Make Python packages part of the interpreter: `rich`, `jinja2>=3` or the path of a wheel; can be
    /// repeated
    #[arg(long = "with", value_name = "REQUIREMENT", conflicts_with = "file")]
    with: Vec<String>,
    /// Path of the new module
    #[arg(short, long, value_name = "FILE")]
    output: Utf8PathBuf,
    /// A Python module to import; can be repeated
    #[arg(long = "import", value_name = "MODULE")]
    imports: Vec<Import>,
    /// An export with your own initialization, called before Python is initialized; it must have no
    /// parameters and no results
    #[arg(long, value_name = "EXPORT")]
    init: Option<String>,
    /// Python's hash seed, which makes snapshots reproducible [default: random]
    #[arg(long, value_name = "N")]
    hash_seed: Option<u32>,
    /// Source of the standard library, as for `run-wasm`; with --interpreter, `embedded` makes the
    /// library part of the interpreter
    #[arg(long, value_name = "embedded|zip|dir")]
    stdlib: Option<Stdlib>,
    #[command(flatten)]
    access: Access,
}

/// Runs the command.
///
/// # Errors
/// When no snapshot of the module is possible, its initialization fails, or the output cannot be
/// written.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let Source { path, dirs, files } = source(args, ctx)?;
    let bytes = Input::read_module(&path, &ctx.cwd)?;
    let mut program = Program::new(path.file_name().unwrap_or("python"));
    for dir in dirs.into_iter().chain(args.access.named(ctx)?) {
        program = program.dir(dir);
    }
    let program = args.access.with_variables(program, ctx)?;
    let request = Request {
        imports: args.imports.clone(),
        init: args.init.clone(),
        files,
        program,
        hash_seed: args.hash_seed,
    };
    let runtime = Runtime::bounded(args.access.bounds(), ctx)?;
    ctx.reporter.status("Initializing", &path);
    let snapshot = snapshot::snapshot(&bytes, &request, &runtime)
        .with_context(|| format!("cannot make a snapshot of `{path}`"));
    let snapshot = if args.interpreter && Form::of(&bytes, None).is_err() {
        snapshot.hint(|| "update the installation with `cargo pywasm install`".to_owned())?
    } else {
        snapshot?
    };
    report(&snapshot, ctx);
    let output = ctx.cwd.join(&args.output);
    let staged = stage_file(&output, &snapshot.module)?;
    staged.persist(&output).with_context(|| format!("cannot write `{output}`"))?;
    ctx.reporter.status(
        "Initialized",
        format!(
            "{} of memory; the module has {} bytes ({} before)",
            bytesize::ByteSize::b(snapshot.memory as u64).display().iec(),
            snapshot.module.len(),
            bytes.len()
        ),
    );
    ctx.reporter.data(&args.output);
    Ok(Exit::Success)
}

/// A wasm module, and what its initialization needs.
struct Source {
    path: Utf8PathBuf,
    /// The directories of the standard library.
    dirs: Vec<Dir>,
    /// Files that become part of the interpreter.
    files: Option<Vec<u8>>,
}

fn source(args: &Args, ctx: &Ctx) -> anyhow::Result<Source> {
    if let Some(file) = &args.file {
        let dirs = project::stdlib(file, args.stdlib, ctx)?;
        return Ok(Source { path: file.clone(), dirs, files: None });
    }
    let python = installed::find(&args.selection, &Workspace::new(ctx))?;
    let stdlib = args.stdlib.unwrap_or_default();
    let dir = match stdlib {
        Stdlib::Dir => Some(smoke::stdlib(&python)?),
        Stdlib::Zip => Some(smoke::stdlib_zip(&python)?),
        Stdlib::Embedded => None,
    };
    let packages = project::packages(None, &args.with, python.version().parse()?, ctx)?;
    let with_library = stdlib == Stdlib::Embedded;
    let files = project::interpreter_files(&packages, with_library, &python, ctx)?;
    let files = (!files.is_empty()).then(|| files.to_bytes());
    let path = installed::utf8(python.python_wasm())?;
    Ok(Source { path, dirs: dir.into_iter().collect(), files })
}

/// Prints the output of the initialization, and any warnings.
fn report(snapshot: &Snapshot, ctx: &Ctx) {
    if !snapshot.output.is_empty() {
        ctx.reporter.note(format!("the initialization printed:\n{}", snapshot.output.trim_end()));
    }
    for warning in snapshot.warnings() {
        ctx.reporter.warn(warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn packages_are_for_the_interpreter_only() {
        let parsed = |line: &str| {
            let words = ["snapshot", "-o", "new.wasm"].into_iter().chain(line.split(' '));
            <Cli as clap::Parser>::try_parse_from(words).map(|cli| cli.args.with)
        };
        assert_eq!(parsed("--interpreter --with rich --with attrs").unwrap(), ["rich", "attrs"]);
        assert!(parsed("--with rich my.wasm").is_err() && parsed("--with rich").is_err());
        assert!(parsed("my.wasm").unwrap().is_empty());
    }
}
