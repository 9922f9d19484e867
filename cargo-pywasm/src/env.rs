//! The environment variables this crate knows, read once.
//!
//! Nothing else in the crate reads the environment, and no build inherits it:
//! what a build gets is listed in `cpython::environment`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use camino::Utf8PathBuf;

/// The variables with their meaning, for `--help`, the man page and `doctor`.
pub const DOCUMENTED: &[(&str, &str)] = &[
    (
        "PYWASM_STORE",
        "one directory for downloads, builds and installations, instead of the XDG ones",
    ),
    ("PYWASM_MIRROR", "base URL (https, http or file) of a mirror, asked after upstream"),
    ("PYWASM_OFFLINE", "1: use the store only"),
    ("PYWASM_JOBS", "parallel jobs of a build"),
    ("PYWASM_PYTHON", "CPython to install or run, 3.13 or 3.13.15"),
    ("PYWASM_RECIPE", "recipe name or path of a recipe file"),
    (
        "PYWASM_BUILD_PYTHON",
        "a Python of the same minor version on this machine, for freezing modules",
    ),
    ("PYWASM_APT_SOURCES", "directory of apt source files, instead of the machine's own"),
    ("PYWASM_UPSTREAM", "base URL that replaces the upstream hosts, for tests and closed networks"),
    (
        "PYWASM_WASM_OPT",
        "Binaryen's wasm-opt for the steps after the link, instead of the one on PATH or in the store",
    ),
    ("WASI_SDK_PATH", "a WASI SDK to use"),
    ("NO_COLOR", "no colours"),
];

/// The environment as it was at start.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// Reads the process's environment. Called by `main` alone.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self { variables }
    }

    /// An environment of these variables, for tests.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        Self { variables }
    }

    /// A variable as text; one that is unset, empty or not UTF-8 is absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str().filter(|value| !value.is_empty())
    }

    /// A variable as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<Utf8PathBuf> {
        self.text(name).map(Utf8PathBuf::from)
    }

    /// A switch: set and neither `0`, `false` nor `no`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| !matches!(value, "0" | "false" | "no"))
    }

    /// The value of `PATH`, for finding compilers.
    #[must_use]
    pub fn search_path(&self) -> OsString {
        self.variables.get("PATH").cloned().unwrap_or_default()
    }

    /// The first program of this name on `PATH`.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<Utf8PathBuf> {
        let found = which::which_in_global(name, Some(self.search_path())).ok()?.next()?;
        Utf8PathBuf::from_path_buf(found).ok()
    }
}
