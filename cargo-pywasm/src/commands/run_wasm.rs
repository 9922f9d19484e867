//! `cargo pywasm run-wasm`: a wasm module with Python inside, in the embedded runtime.
//!
//! Cargo calls it as the runner of `wasm32-wasip1`, so that `cargo run` and `cargo test` work.

use std::num::NonZeroU32;

use anyhow::Context;
use camino::Utf8Path;

use crate::exit::Exit;
use crate::project::{self, Stdlib};
use crate::sandbox::Sandbox;
use pywasm_runtime::{Call, Program, Runtime};
use pywasm_store::Ctx;

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
#[command(override_usage = "cargo pywasm run-wasm [OPTIONS] <MODULE> [ARGS]...")]
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
    /// Run it so many times, each in a new instance, and tell of each what it took
    #[arg(long, value_name = "N", requires = "stats", default_value = "1")]
    repeat: NonZeroU32,
    /// The module, and its arguments: whatever stands behind it is the program's
    // One argument, for clap would take `--help` between two for its own.
    #[arg(value_name = "MODULE", required = true, trailing_var_arg = true)]
    program: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the module or a directory can't be opened, or the program can't be started.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let runtime = Runtime::of_this_process(args.sandbox.bounds(), ctx)?;
    let (path, words) = args.program.split_first().context("no module is named")?;
    let path = Utf8Path::new(path);
    let module = runtime.load(&ctx.cwd.join(path))?;
    let name = path.file_name().context("a module has a file name")?;
    let mut program = Program::new(name).args(words.iter().cloned()).inherit_stdin();
    for dir in project::stdlib(path, args.stdlib, ctx)?.into_iter().chain(args.sandbox.cwd(ctx)) {
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
    let once = || {
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
        anyhow::Ok(ran.end)
    };
    let mut end = once()?;
    for _ in 1..args.repeat.get() {
        // One that was stopped goes on until this process ends, and would disturb the next.
        if end.was_stopped() {
            break;
        }
        end = once()?;
    }
    if end.was_stopped() {
        ctx.reporter.error(&anyhow::anyhow!("the program was stopped: {end}"));
    }
    Ok(Exit::Program(end.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(line: &str) -> Result<Args, clap::Error> {
        let words = ["run-wasm"].into_iter().chain(line.split(' '));
        <Cli as clap::Parser>::try_parse_from(words).map(|cli| cli.args)
    }

    #[test]
    fn what_stands_behind_the_module_is_the_programs() {
        let args = parsed("--stats my.wasm --help --fuel 3 -- x --stats").unwrap();
        assert_eq!(args.program, ["my.wasm", "--help", "--fuel", "3", "--", "x", "--stats"]);
        assert!(args.stats && args.sandbox.bounds().fuel.is_none());
        assert!(parsed("--fule 3 my.wasm").is_err() && parsed("--stats").is_err());
    }
}
