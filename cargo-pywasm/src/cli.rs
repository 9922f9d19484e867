//! Defines the command line with clap, and dispatches to the subcommands.

mod help;

use std::ffi::OsString;
use std::num::NonZeroUsize;

use anyhow::Context;
use camino::Utf8PathBuf;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands;
use crate::exit::Exit;
use pywasm_session::Environment;
use pywasm_session::variables::{PYWASM_JOBS, PYWASM_OFFLINE};
use pywasm_session::{MessageFormat, Reporter};
use pywasm_store::Ctx;
use pywasm_store::Store;

/// Build CPython for wasm32-wasip1, run it, and embed it in Rust
#[derive(Debug, Parser)]
#[command(name = "cargo-pywasm", bin_name = "cargo pywasm", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Use only the store, never the network
    #[arg(long, global = true)]
    offline: bool,
    /// Number of parallel jobs [env: PYWASM_JOBS]
    #[arg(short, long, global = true, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print only warnings, errors and data
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Format of messages
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    message_format: MessageFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "runtime")]
    Install(commands::install::Args),
    #[cfg(feature = "runtime")]
    New(commands::new::Args),
    #[cfg(feature = "runtime")]
    Init(commands::init::Args),
    #[cfg(feature = "runtime")]
    Build(commands::build::Args),
    #[cfg(feature = "runtime")]
    Test(commands::test::Args),
    #[cfg(feature = "runtime")]
    Run(commands::run::Args),
    #[cfg(feature = "runtime")]
    Add(commands::add::Add),
    #[cfg(feature = "runtime")]
    Remove(commands::add::Remove),
    #[cfg(feature = "runtime")]
    Lock(commands::lock::Args),
    #[cfg(feature = "runtime")]
    Tree(commands::tree::Args),
    #[cfg(feature = "runtime")]
    Freeze(commands::freeze::Args),
    #[cfg(feature = "runtime")]
    RunWasm(commands::run_wasm::Args),
    #[cfg(feature = "runtime")]
    Snapshot(commands::snapshot::Args),
    #[cfg(feature = "runtime")]
    Verify(commands::verify::Args),
    Canister(commands::canister::Args),
    Candid(commands::candid::Args),
    AuditImports(commands::audit_imports::Args),
    EmitStubs(commands::emit_stubs::Args),
    Rewire(commands::rewire::Args),
    PostLink(commands::post_link::Args),
    #[command(hide = true)]
    Project(commands::project::Args),
    Size(commands::size::Args),
    List(commands::list::Args),
    Uninstall(commands::uninstall::Args),
    Recipe(commands::recipe::Args),
    Toolchain(commands::toolchain::Args),
    Env(commands::env::Args),
    Doctor(commands::doctor::Args),
    Cache(commands::cache::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

/// Parses the arguments, runs the command and reports its error, if any.
pub(crate) fn start(args: Vec<OsString>) -> Exit {
    let matches = help::grouped(Cli::command()).try_get_matches_from(without_cargo(args));
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Failure } else { Exit::Success };
        }
    };
    let reporter = Reporter::new(cli.global.message_format, cli.global.quiet);
    let ctx = match context(&cli.global, reporter) {
        Ok(ctx) => ctx,
        Err((reporter, error)) => {
            reporter.error(&error);
            return Exit::Failure;
        }
    };
    let outcome = match &cli.command {
        #[cfg(feature = "runtime")]
        Command::Install(args) => commands::install::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::New(args) => commands::new::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Init(args) => commands::init::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Build(args) => commands::build::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Test(args) => commands::test::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Run(args) => commands::run::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Add(args) => commands::add::add(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Remove(args) => commands::add::remove(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Lock(args) => commands::lock::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Tree(args) => commands::tree::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Freeze(args) => commands::freeze::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::RunWasm(args) => commands::run_wasm::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Snapshot(args) => commands::snapshot::run(args, &ctx),
        #[cfg(feature = "runtime")]
        Command::Verify(args) => commands::verify::run(args, &ctx),
        Command::Canister(args) => commands::canister::run(args, &ctx),
        Command::Candid(args) => commands::candid::run(args, &ctx),
        Command::AuditImports(args) => commands::audit_imports::run(args, &ctx),
        Command::EmitStubs(args) => commands::emit_stubs::run(args, &ctx),
        Command::Rewire(args) => commands::rewire::run(args, &ctx),
        Command::PostLink(args) => commands::post_link::run(args, &ctx),
        Command::Project(args) => commands::project::run(args, &ctx),
        Command::Size(args) => commands::size::run(args, &ctx),
        Command::List(args) => commands::list::run(args, &ctx),
        Command::Uninstall(args) => commands::uninstall::run(args, &ctx),
        Command::Recipe(args) => commands::recipe::run(args, &ctx),
        Command::Toolchain(args) => commands::toolchain::run(args, &ctx),
        Command::Env(args) => commands::env::run(args, &ctx),
        Command::Doctor(args) => commands::doctor::run(args, &ctx),
        Command::Cache(args) => commands::cache::run(args, &ctx),
        Command::Completions(args) => commands::completions::run(args, Cli::command(), &ctx),
        Command::Man(args) => commands::man::run(args, Cli::command(), &ctx),
    };
    let outcome = outcome.and_then(|exit| {
        ctx.reporter.finish().context("cannot write to standard output")?;
        Ok(exit)
    });
    outcome.unwrap_or_else(|error| {
        ctx.reporter.error(&error);
        Exit::Failure
    })
}

/// Removes the word `pywasm`, which Cargo passes to its subcommands as the first argument.
fn without_cargo(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|word| word == "pywasm") {
        args.remove(1);
    }
    args
}

fn context(global: &Global, reporter: Reporter) -> Result<Ctx, (Reporter, anyhow::Error)> {
    let parts = || -> anyhow::Result<(Environment, Store, Utf8PathBuf, NonZeroUsize)> {
        let env = Environment::of_process()?;
        let cwd = Utf8PathBuf::from_path_buf(std::env::current_dir()?)
            .map_err(|path| anyhow::anyhow!("`{}` is not UTF-8", path.display()))?;
        let jobs = match (global.jobs, env.text(PYWASM_JOBS)) {
            (Some(jobs), _) => jobs,
            (None, Some(text)) => text.parse().map_err(|_| {
                anyhow::anyhow!("PYWASM_JOBS must be a positive integer, not `{text}`")
            })?,
            (None, None) => Ctx::default_jobs(),
        };
        let store = Store::of(&env)?;
        Ok((env, store, cwd, jobs))
    };
    match parts() {
        Ok((env, store, cwd, jobs)) => {
            let offline = global.offline || env.flag(PYWASM_OFFLINE);
            Ok(Ctx { env, store, reporter, offline, jobs, cwd })
        }
        Err(error) => Err((reporter, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_word_from_cargo_is_optional() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            without_cargo(words("cargo-pywasm pywasm recipe list")),
            without_cargo(words("cargo-pywasm recipe list")),
        );
    }
}
