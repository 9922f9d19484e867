//! Tasks for contributors. CI runs `cargo xtask ci`, which needs Rust and a C compiler, and
//! installs everything else that it needs.

#![allow(clippy::print_stderr, reason = "the progress of a task goes to stderr")]

mod bench;
mod checks;
mod ci;
mod e2e;
mod embed;
mod nightly;
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
    /// Run format, lints, unit tests and command-line tests: 3 minutes
    Quick,
    /// Run every check that a change must pass: 40 minutes
    Ci,
    /// Run everything, with the whole matrix, fuzzing and benchmarks: hours
    Nightly,
    /// Build CPython for wasm and run its tests
    E2e(e2e::Args),
    /// Build and test crates that embed Python, with the installations of an earlier `e2e`
    Embed,
    /// Build and test the example canister, with the installations of an earlier `e2e`
    Canister,
    /// Record configure's answers for the current libc
    Seed(seed::Args),
    /// Count which functions of CPython run often, for recipe `speed`
    Train(train::Args),
    /// Measure, and write docs/benchmarks.md
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
        Task::Seed(args) => seed::run(&args),
        Task::Train(args) => train::run(&args),
        Task::Bench(args) => bench::run(&args),
    }
}
