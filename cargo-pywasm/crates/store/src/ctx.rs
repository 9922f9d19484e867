//! What every command is handed: the environment, the store, and a way to speak.

use std::num::NonZeroUsize;

use camino::{Utf8Path, Utf8PathBuf};

use crate::Store;
use pywasm_session::Environment;
use pywasm_session::Reporter;

/// The context of one run of the tool. Made once, passed by reference.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// The environment as it was at start.
    pub env: Environment,
    /// Where downloads, builds and installations live.
    pub store: Store,
    /// Everything that is said goes through here.
    pub reporter: Reporter,
    /// No network at all: the store answers, or an error says what is missing.
    pub offline: bool,
    /// Parallel jobs of builds.
    pub jobs: NonZeroUsize,
    /// The directory the user stands in.
    pub cwd: Utf8PathBuf,
}

impl Ctx {
    /// The same for someone who stands in `cwd`.
    #[must_use]
    pub fn at(&self, cwd: Utf8PathBuf) -> Self {
        Self { cwd, ..self.clone() }
    }

    /// Creates a context for tests: offline, with the store below `cwd`, only these variables, and captured
    /// output.
    #[doc(hidden)]
    #[must_use]
    pub fn for_tests(cwd: &Utf8Path, variables: &[(&str, &str)]) -> Self {
        Self {
            env: Environment::of(variables),
            store: Store::at(&cwd.join("store")),
            reporter: Reporter::captured(),
            offline: true,
            jobs: NonZeroUsize::MIN,
            cwd: cwd.to_owned(),
        }
    }

    /// The number of processors this process may use, at least one.
    #[must_use]
    pub fn default_jobs() -> NonZeroUsize {
        std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }
}
