//! `cargo pywasm run-wasm`: runs a wasm module with embedded Python.
//!
//! Cargo uses this command as the runner for `wasm32-wasip1` in `cargo run` and `cargo test`.

mod inherited;
mod unopened;

use std::num::NonZeroU32;

use anyhow::Context;
use camino::Utf8Path;

use super::audit_imports;
use crate::config::{Stdlib, Workspace};
use crate::exit::Exit;
use crate::project;
use crate::sandbox::Sandbox;
use pywasm_runtime::{Call, Program, Ran, Runtime};
use pywasm_store::Ctx;

/// Run a wasm module with embedded Python; the runner for `cargo run` and `cargo test`
///
/// The program sees the current directory (at `/` and at its full path), the standard library of
/// the project's installation (outside of a project, of every installed CPython), the directories
/// and variables passed with --dir and --env, and the variables RUST_BACKTRACE, RUST_LIB_BACKTRACE
/// and RUST_LOG from your environment. If Cargo runs the program, the program also sees its package
/// and the variables that Cargo and common test libraries use.
///
/// The exit code is the program's, or 124 after a timeout, 125 if the fuel is used up, and 134
/// after a trap.
#[derive(Debug, clap::Args)]
#[command(override_usage = "cargo pywasm run-wasm [OPTIONS] <MODULE> [ARGS]...")]
pub struct Args {
    #[command(flatten)]
    sandbox: Sandbox,
    /// Source of the standard library [default: the crate's setting, else `dir`]
    #[arg(long, value_name = "embedded|zip|dir")]
    stdlib: Option<Stdlib>,
    /// Call an export of a reactor, as in `add(40, 2)`, and print its result; can be repeated
    #[arg(long, value_name = "EXPORT(NUMBERS)")]
    invoke: Vec<Call>,
    /// Print the running time, excluding compilation, to stderr; with --fuel, also the number of
    /// executed instructions
    #[arg(long)]
    stats: bool,
    /// Print which embedded files the program never opened, to stderr; a snapshot counts those that
    /// its initialization opened
    #[arg(long)]
    trace_files: bool,
    /// Run the program N times, each in a new instance
    #[arg(long, value_name = "N", requires = "stats", default_value = "1")]
    repeat: NonZeroU32,
    /// The module and its arguments
    // The module and its arguments share a field: with two fields, clap would handle a `--help`
    // between them itself.
    #[arg(value_name = "MODULE", required = true, trailing_var_arg = true)]
    program: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the module or a directory cannot be opened, or the program cannot be started.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let runtime = Runtime::until_exit(args.sandbox.bounds(), ctx)?;
    let (path, words) = args.program.split_first().context("no module was named")?;
    let path = Utf8Path::new(path);
    let mut module = runtime.load(&ctx.cwd.join(path))?;
    // Reading the project's policy takes a call of Cargo, so it is read only if it matters.
    if !module.imports_only_wasi() {
        let policy = audit_imports::policy(None, &Workspace::new(ctx))?;
        module = args.sandbox.with_trapped_imports(module, &policy);
    }
    let name = path.file_name().context("the module path has no file name")?;
    let mut program = Program::new(name).args(words.iter().cloned()).inherit_stdin();
    for dir in project::stdlib(path, args.stdlib, ctx)?.into_iter().chain(args.sandbox.cwd(ctx)) {
        program = program.dir(dir);
    }
    if let Some(dir) = inherited::package_dir(ctx).filter(|_| !args.sandbox.no_cwd) {
        program = program.dir(dir);
    }
    for dir in args.sandbox.named(ctx)? {
        program = program.dir(dir);
    }
    for (name, value) in inherited::variables(ctx) {
        program = program.env(&name, value);
    }
    let mut program = args.sandbox.with_variables(program, ctx)?;
    if args.trace_files {
        program = program.keep_memory();
    }
    let once = || {
        let ran = if args.invoke.is_empty() {
            runtime.run(&module, &program)?
        } else {
            let reporter = ctx.reporter.clone();
            let report = move |result| reporter.data(result);
            runtime.invoke(&module, &program, args.invoke.clone(), report)?
        };
        if let Some(spent) = ran.spent.filter(|_| args.stats) {
            ctx.reporter.note(format!("the program took {spent}"));
        }
        anyhow::Ok(ran)
    };
    let mut ran = once()?;
    for _ in 1..args.repeat.get() {
        // After a timeout, the program may still be running and would disturb the next run.
        if ran.end.was_stopped() {
            break;
        }
        ran = once()?;
    }
    let Ran { end, memory, .. } = ran;
    if end.was_stopped() {
        ctx.reporter.error(&anyhow::anyhow!("the program was stopped: {end}"));
    }
    if args.trace_files {
        unopened::report(memory.as_deref(), ctx);
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
    fn arguments_after_the_module_are_the_programs() {
        let args = parsed("--stats my.wasm --help --fuel 3 -- x --stats").unwrap();
        assert_eq!(args.program, ["my.wasm", "--help", "--fuel", "3", "--", "x", "--stats"]);
        assert!(args.stats && args.sandbox.bounds().fuel.is_none());
        assert!(parsed("--fule 3 my.wasm").is_err() && parsed("--stats").is_err());
    }
}
