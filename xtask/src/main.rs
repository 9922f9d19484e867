//! What contributors run. `cargo xtask ci` is what CI runs: it needs nothing but Rust, a C
//! compiler and make, and says what it does.

#![allow(clippy::print_stderr, reason = "a contributor's program speaks for itself")]

mod bench;
mod canister;
mod ci;
mod declared;
mod e2e;
mod embed;
mod one_file;
mod seed;
mod tool;
mod train;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about)]
enum Task {
    /// Format, lints, tests, and the real thing: everything a change must pass
    Ci,
    /// The real thing alone: builds CPython for wasm, several ways, and runs its tests
    E2e(e2e::Args),
    /// Crates with Python inside alone, with what an earlier `e2e` has installed
    Embed,
    /// The example of a canister alone, built and tested on the local host
    Canister,
    /// Measure configure's answers for the libc at hand
    Seed(seed::Args),
    /// Count which code of CPython is hot, for recipes that are compiled with it
    Train(train::Args),
    /// Timings, written to docs/benchmarks.md
    Bench(bench::Args),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Ci => ci::run(),
        Task::E2e(args) => e2e::run(&args),
        Task::Embed => embed::alone(),
        Task::Canister => canister::alone(),
        Task::Seed(args) => seed::run(&args),
        Task::Train(args) => train::run(&args),
        Task::Bench(args) => bench::run(&args),
    }
}
