//! `cargo xtask bench`: measures times, sizes and instruction counts, and writes them to
//! `docs/benchmarks.md`.

mod audit;
mod canister;
mod install;
mod link;
mod packages;
mod program;
mod report;
mod size;
mod speed;
mod start;

use std::path::{Path, PathBuf};

pub(crate) use report::grouped;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The benchmark to run (default: all)
    #[command(subcommand)]
    benchmark: Option<Benchmark>,
    /// Path of the `cargo-pywasm` binary to measure (default: a release build)
    #[arg(long, global = true, value_name = "FILE")]
    tool: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Benchmark {
    /// Compare `cargo pywasm install` with CPython's own build script
    Install {
        /// Number of interleaved rounds
        #[arg(long, default_value_t = INSTALL)]
        rounds: usize,
    },
    /// Measure auditing and stub creation, and compare them with wasmparser and other tools
    Audit {
        /// Number of interleaved rounds
        #[arg(long, default_value_t = AUDIT)]
        rounds: usize,
    },
    /// Measure the example canister: sizes, instructions, and times after a change to one line
    Canister {
        /// Number of rounds
        #[arg(long, default_value_t = CANISTER)]
        rounds: usize,
    },
    /// Compare linking with pywasm-build to linking with a handwritten build script
    Link {
        /// Number of interleaved rounds
        #[arg(long, default_value_t = LINK)]
        rounds: usize,
    },
    /// Measure the cost of Python packages: building, importing, and starting the example `report`
    Packages {
        /// Number of interleaved rounds
        #[arg(long, default_value_t = PACKAGES)]
        rounds: usize,
    },
    /// Measure the sizes of libpython, the interpreter, a minimal embedding and a canister
    Size,
    /// Run pyperformance on this project's Python, on CPython's own build, and on other Pythons
    Speed(speed::Args),
    /// Measure Python's startup: with a library directory, a zip, an embedded library, and a snapshot
    Start {
        /// Number of interleaved rounds
        #[arg(long, default_value_t = START)]
        rounds: usize,
    },
}

const INSTALL: usize = 3;
const AUDIT: usize = 15;
const CANISTER: usize = 5;
const LINK: usize = 7;
const PACKAGES: usize = 9;
const START: usize = 15;

impl Benchmark {
    /// Returns all benchmarks with default options. `install` comes before `speed`, which reuses
    /// the `wasi.py` build that `install` creates.
    fn all() -> [Self; 8] {
        [
            Self::Install { rounds: INSTALL },
            Self::Link { rounds: LINK },
            Self::Audit { rounds: AUDIT },
            Self::Canister { rounds: CANISTER },
            Self::Packages { rounds: PACKAGES },
            Self::Size,
            Self::Start { rounds: START },
            Self::Speed(speed::Args::default()),
        ]
    }

    fn run(&self, tool: Option<&Path>) -> anyhow::Result<()> {
        match self {
            Self::Audit { rounds } => audit::run(*rounds, tool),
            Self::Canister { rounds } => canister::run(*rounds, tool),
            Self::Install { rounds } => install::run(*rounds, tool),
            Self::Link { rounds } => link::run(*rounds, tool),
            Self::Packages { rounds } => packages::run(*rounds, tool),
            Self::Size => size::run(tool),
            Self::Speed(args) => speed::run(args, tool),
            Self::Start { rounds } => start::run(*rounds, tool),
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let tool = args.tool.as_deref();
    match &args.benchmark {
        Some(benchmark) => benchmark.run(tool),
        None => all(tool),
    }
}

/// Runs all benchmarks, even if some fail.
pub(crate) fn all(tool: Option<&Path>) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for benchmark in Benchmark::all() {
        if let Err(error) = benchmark.run(tool) {
            eprintln!("{benchmark:?}: {error:#}");
            failed.push(format!("{benchmark:?}: {error:#}"));
        }
    }
    anyhow::ensure!(failed.is_empty(), "benchmarks failed:\n{}", failed.join("\n"));
    Ok(())
}
