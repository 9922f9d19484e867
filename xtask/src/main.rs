//! Tasks for contributors. CI runs `cargo xtask ci`, which requires Rust and a C compiler and
//! installs everything else that it needs.

#![allow(clippy::print_stderr, reason = "tasks print their progress to stderr")]

mod bench;
mod checks;
mod ci;
mod e2e;
mod embed;
mod modules;
mod nightly;
mod packages;
mod pin;
mod quick;
mod seed;
mod setup;
mod steps;
mod tool;
mod train;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about)]
enum Task {
    /// Check formatting and lints, and run unit tests and command-line tests (3 minutes)
    Quick,
    /// Run every check that a change must pass (40 minutes)
    Ci,
    /// Run everything, including the whole test matrix, fuzzing and benchmarks (hours)
    Nightly,
    /// Build CPython for wasm and run its tests
    E2e(e2e::Args),
    /// Build and test crates that embed Python, using the installations of an earlier `e2e` run
    Embed,
    /// Build and test the example canister, using the installations of an earlier `e2e` run
    Canister,
    /// Write the table of extension modules in the guide
    Modules,
    /// Record the results of CPython's `configure` for the current libc
    Seed(seed::Args),
    /// Add pins for new releases of CPython
    Pin,
    /// Run popular Python packages and their tests in wasm, and write docs/packages.md
    Packages,
    /// Count how often CPython's functions run, as training data for the recipe `speed`
    Train(train::Args),
    /// Run benchmarks and write the results to docs/benchmarks.md
    Bench(bench::Args),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Quick => quick::run(),
        Task::Ci => ci::run(),
        Task::Nightly => nightly::run(),
        Task::E2e(args) => e2e::alone(&args),
        Task::Embed => embed::alone(),
        Task::Canister => embed::canister::alone(),
        Task::Modules => modules::run(),
        Task::Seed(args) => seed::run(&args),
        Task::Pin => pin::run(),
        Task::Packages => packages::run(),
        Task::Train(args) => train::run(&args),
        Task::Bench(args) => bench::run(&args),
    }
}
