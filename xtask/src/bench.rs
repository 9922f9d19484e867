//! Timings, sizes and instructions: medians and ratios of interleaved runs, written to
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
    /// All of them, when none is named
    #[command(subcommand)]
    what: Option<What>,
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
    /// Each as it is without options. CPython's own build, which `install` leaves, is what `speed`
    /// compares with.
    fn all() -> [Self; 7] {
        [
            Self::Install { rounds: INSTALL },
            Self::Link { rounds: LINK },
            Self::Audit { rounds: AUDIT },
            Self::Canister { rounds: CANISTER },
            Self::Size,
            Self::Start { rounds: START },
            Self::Speed(speed::Args::default()),
        ]
    }

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
    let tool = args.tool.as_deref();
    match &args.what {
        Some(what) => what.run(tool),
        None => all(tool),
    }
}

/// Runs all of them. One that fails does not stop the others.
pub(crate) fn all(tool: Option<&Path>) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for what in What::all() {
        if let Err(error) = what.run(tool) {
            eprintln!("{what:?}: {error:#}");
            failed.push(format!("{what:?}: {error:#}"));
        }
    }
    anyhow::ensure!(failed.is_empty(), "not all could run:\n{}", failed.join("\n"));
    Ok(())
}
