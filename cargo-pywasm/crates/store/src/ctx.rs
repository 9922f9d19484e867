//! The context of a command.

use std::num::NonZeroUsize;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_session::{Environment, Reporter};

use crate::Store;

/// The context of one run of the tool: created once, passed by reference.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// The environment at the start of the process.
    pub env: Environment,
    /// The directories for downloads, builds and installations.
    pub store: Store,
    /// The reporter, which prints all output.
    pub reporter: Reporter,
    /// True if the network must not be used. Fetching a file that is not in the store then fails.
    pub offline: bool,
    /// The number of parallel build jobs.
    pub jobs: NonZeroUsize,
    /// The current directory.
    pub cwd: Utf8PathBuf,
}

impl Ctx {
    /// Creates a context for tests: it is offline, its current directory is `root`, its store is at
    /// `root/store`, its output is captured, and its environment contains only `variables`.
    #[must_use]
    pub fn for_tests(root: &Utf8Path, variables: &[(&str, &str)]) -> Self {
        Self {
            env: Environment::of(variables),
            store: Store::at(&root.join("store")),
            reporter: Reporter::captured(),
            offline: true,
            jobs: Self::default_jobs(),
            cwd: root.to_owned(),
        }
    }

    /// Returns a copy of this context with a different current directory.
    #[must_use]
    pub fn at(&self, cwd: Utf8PathBuf) -> Self {
        Self { cwd, ..self.clone() }
    }

    /// Returns the number of processors that this process may use, at least one.
    #[must_use]
    pub fn default_jobs() -> NonZeroUsize {
        std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }
}
