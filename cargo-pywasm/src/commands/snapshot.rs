//! `cargo pywasm snapshot`: a module that begins where its initialization ended.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::config::Selection;
use crate::exit::Exit;
use crate::import::Import;
use crate::installed;
use crate::project::{self, Stdlib};
use crate::sandbox::Given;
use crate::snapshot::{self, Form, Request, Snapshot};
use pywasm_audit::{Content, Input};
use pywasm_cpython::smoke;
use pywasm_runtime::{Dir, Program, Runtime};
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_store::stage_file;

/// Run a module's initialization now, and keep what it made: Python is there when the module starts
///
/// The module has Python initialized and what `--import` names imported. What belongs to a run is made
/// anew whenever it starts: arguments, variables, directories, streams, clocks, random numbers. The
/// initialization sees the standard library, as `run-wasm` has it, and what `--dir` and `--env` name,
/// by a clock that does not go; a file that it leaves open is an error. Prints the path.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module: a command, a reactor, or a canister after `rewire`
    #[arg(value_name = "FILE", required_unless_present = "interpreter")]
    file: Option<Utf8PathBuf>,
    /// Take the interpreter of an installation, its `python.wasm`
    #[arg(long, conflicts_with = "file")]
    interpreter: bool,
    #[command(flatten)]
    selection: Selection,
    /// Where to write the module
    #[arg(short, long, value_name = "FILE")]
    output: Utf8PathBuf,
    /// A module of Python that is imported, with all that it imports; once more, another
    #[arg(long = "import", value_name = "MODULE")]
    imports: Vec<Import>,
    /// An export without arguments that is called before, to initialize what is yours
    #[arg(long, value_name = "EXPORT")]
    init: Option<String>,
    /// Python's hash seed: with it, equal modules give equal snapshots [default: drawn]
    #[arg(long, value_name = "N")]
    hash_seed: Option<u32>,
    /// How it gets at the standard library, as for `run-wasm`
    #[arg(long, value_name = "frozen|zip|dir")]
    stdlib: Option<Stdlib>,
    #[command(flatten)]
    given: Given,
}

/// Runs it.
///
/// # Errors
/// When the module can't be kept, its initialization fails, or the output can't be written.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let (shown, dirs) = source(args, ctx)?;
    let bytes = match Input::read(&shown, &ctx.cwd)?.content {
        Content::Module(bytes) | Content::Compressed(bytes, _) => bytes,
        Content::Object(_) | Content::Archive(_) => anyhow::bail!("`{shown}` is not linked yet"),
    };
    let mut program = Program::new(shown.file_name().unwrap_or("python"));
    for dir in dirs.into_iter().chain(args.given.named(ctx)?) {
        program = program.dir(dir);
    }
    let program = args.given.with_variables(program, ctx)?;
    let request = Request {
        imports: args.imports.clone(),
        init: args.init.clone(),
        program,
        hash_seed: args.hash_seed,
    };
    let runtime = Runtime::bounded(args.given.bounds(), ctx)?;
    ctx.reporter.status("Initializing", &shown);
    let made = snapshot::snapshot(&bytes, &request, &runtime)
        .with_context(|| format!("no snapshot can be made of `{shown}`"));
    let made = if args.interpreter && Form::of(&bytes, None).is_err() {
        made.hint(|| "one of an older version: `cargo pywasm install` makes another".to_owned())?
    } else {
        made?
    };
    tell(&made, ctx);
    let output = ctx.cwd.join(&args.output);
    let staged = stage_file(&output, &made.module)?;
    staged.persist(&output).with_context(|| format!("can't write `{output}`"))?;
    ctx.reporter.status(
        "Kept",
        format!(
            "{} of memory, a module of {} bytes, {} before",
            bytesize::ByteSize::b(made.memory as u64).display().iec(),
            made.module.len(),
            bytes.len()
        ),
    );
    ctx.reporter.data(&args.output);
    Ok(Exit::Success)
}

/// The module, and where its standard library is.
fn source(args: &Args, ctx: &Ctx) -> anyhow::Result<(Utf8PathBuf, Vec<Dir>)> {
    if let Some(file) = &args.file {
        return Ok((file.clone(), project::stdlib(file, args.stdlib, ctx)?));
    }
    let python = installed::find(&args.selection, ctx)?;
    let dir = match args.stdlib.unwrap_or_default() {
        Stdlib::Dir => Some(smoke::stdlib(&python)?),
        Stdlib::Zip => Some(smoke::stdlib_zip(&python)?),
        Stdlib::Frozen => None,
    };
    Ok((installed::utf8(python.python_wasm())?, dir.into_iter().collect()))
}

/// What the user should know of an initialization.
fn tell(made: &Snapshot, ctx: &Ctx) {
    if !made.printed.is_empty() {
        ctx.reporter.note(format!("the initialization printed:\n{}", made.printed.trim_end()));
    }
    for warning in made.warnings() {
        ctx.reporter.warn(warning);
    }
}
