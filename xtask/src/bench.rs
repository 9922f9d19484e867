//! Timings: medians and ratios of interleaved runs, written to
//! `docs/benchmarks.md`.

mod audit;
mod canister;
mod install;
mod link;
mod report;
mod size;
mod speed;
mod start;

use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// A binary of the tool for `canister`, `size`, `speed` and `start`, instead of building one
    #[arg(long, global = true, value_name = "FILE")]
    tool: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// `cargo pywasm install` beside CPython's own build script
    Install {
        /// Interleaved rounds of each
        #[arg(long, default_value_t = INSTALL)]
        rounds: usize,
    },
    /// Audits and stubs, beside a bare walk and other tools
    Audit {
        /// Interleaved rounds of each
        #[arg(long, default_value_t = AUDIT)]
        rounds: usize,
    },
    /// The example of a canister: sizes, instructions, and times from a changed line
    Canister {
        /// Rounds
        #[arg(long, default_value_t = CANISTER)]
        rounds: usize,
    },
    /// A hello module linked by pywasm-build and by hand
    Link {
        /// Interleaved rounds of each
        #[arg(long, default_value_t = LINK)]
        rounds: usize,
    },
    /// libpython, the interpreter, the smallest embedding, a canister: raw and compressed
    Size,
    /// Benchmarks of pyperformance beside CPython's own configuration and other Pythons
    Speed(speed::Args),
    /// From nothing to the first line: from a directory, a zip, frozen, a snapshot
    Start {
        /// Interleaved rounds of each
        #[arg(long, default_value_t = START)]
        rounds: usize,
    },
}

const INSTALL: usize = 3;
const AUDIT: usize = 15;
const CANISTER: usize = 5;
const LINK: usize = 7;
const START: usize = 15;

impl What {
    fn run(&self, tool: Option<&Path>) -> anyhow::Result<()> {
        match self {
            Self::Audit { rounds } => audit::run(*rounds),
            Self::Canister { rounds } => canister::run(*rounds, tool),
            Self::Install { rounds } => install::run(*rounds),
            Self::Link { rounds } => link::run(*rounds),
            Self::Size => size::run(tool),
            Self::Speed(args) => speed::run(args, tool),
            Self::Start { rounds } => start::run(*rounds, tool),
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    args.what.run(args.tool.as_deref())
}
