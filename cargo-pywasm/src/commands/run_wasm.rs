//! `cargo pywasm run-wasm`: a wasm module with Python inside, in the embedded runtime.
//!
//! Cargo calls it as the runner of `wasm32-wasip1`, so that `cargo run` and `cargo test` work.

use anyhow::Context;
use camino::Utf8PathBuf;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::project::{self, Stdlib};
use crate::runtime::{Call, End, Program, Runtime};
use crate::sandbox::Sandbox;

/// Variables of the user that tell a Rust program how to report, and nothing of the machine.
const REPORTING: [&str; 3] = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "RUST_LOG"];

/// Run a wasm module with Python inside; the runner of `cargo run` and `cargo test`
///
/// The program sees the current directory (as `/`, and under its own path), the standard library
/// of the project's installation (outside of one, of every CPython that is installed), what --dir
/// and --env name, and of your variables RUST_BACKTRACE, RUST_LIB_BACKTRACE and RUST_LOG.
///
/// It ends with the program's exit code; 124 when its time is over, 125 when its fuel is used up,
/// 134 when it trapped.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    sandbox: Sandbox,
    /// How it gets at the standard library, instead of as the crate says: `dir` unless it does
    #[arg(long, value_name = "frozen|zip|dir")]
    stdlib: Option<Stdlib>,
    /// Call an export of a reactor, `add(40, 2)`, and print what it returns; once more, another
    #[arg(long, value_name = "EXPORT(NUMBERS)")]
    invoke: Vec<Call>,
    /// Tell on stderr what it took: time without compilation, and with --fuel instructions
    #[arg(long)]
    stats: bool,
    /// The module
    #[arg(value_name = "MODULE")]
    module: Utf8PathBuf,
    /// Its arguments
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the module or a directory can't be opened, or the program can't be started.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let runtime = Runtime::bounded(args.sandbox.bounds(), ctx)?;
    let module = runtime.load(&ctx.cwd.join(&args.module))?;
    let name = args.module.file_name().context("a module has a file name")?;
    let mut program = Program::new(name).args(args.args.iter().cloned()).inherit_stdin();
    for dir in
        project::stdlib(&args.module, args.stdlib, ctx)?.into_iter().chain(args.sandbox.cwd(ctx))
    {
        program = program.dir(dir);
    }
    for dir in args.sandbox.named(ctx)? {
        program = program.dir(dir);
    }
    for name in REPORTING {
        if let Some(value) = ctx.env.text(name) {
            program = program.env(name, value);
        }
    }
    let program = args.sandbox.with_variables(program, ctx)?;
    let ran = if args.invoke.is_empty() {
        runtime.run(&module, &program)?
    } else {
        let reporter = ctx.reporter.clone();
        let tell = move |result| reporter.data(result);
        runtime.invoke(&module, &program, args.invoke.clone(), tell)?
    };
    if let Some(spent) = ran.spent.filter(|_| args.stats) {
        ctx.reporter.note(format!("the program took {spent}"));
    }
    let end = ran.end;
    if !matches!(end, End::Exit(_)) {
        ctx.reporter.error(&anyhow::anyhow!("the program was stopped: {end}"));
    }
    Ok(Exit::Program(end.code()))
}
