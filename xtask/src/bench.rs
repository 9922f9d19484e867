//! Timings: medians and ratios of interleaved runs, written to `docs/benchmarks.md`.

mod audit;
mod canister;
mod install;
mod link;
mod report;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// `cargo pywasm install` beside CPython's own build script
    Install {
        /// Interleaved rounds of each
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Audits and stubs, beside a bare walk and other tools
    Audit {
        /// Interleaved rounds of each
        #[arg(long, default_value_t = 15)]
        rounds: usize,
    },
    /// The example of a canister: sizes, instructions, and times from a changed line
    Canister {
        /// Rounds
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// A hello module linked by pywasm-build and by hand
    Link {
        /// Interleaved rounds of each
        #[arg(long, default_value_t = 7)]
        rounds: usize,
    },
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Audit { rounds } => audit::run(*rounds),
        What::Canister { rounds } => canister::run(*rounds),
        What::Install { rounds } => install::run(*rounds),
        What::Link { rounds } => link::run(*rounds),
    }
}
