//! The toolchain that the command line requests.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;
use pywasm_recipes::{Build, CpythonPin, TRAINING_CLANG};
use pywasm_session::Environment;
use pywasm_session::variables::WASI_SDK_PATH;

use super::source::Remote;

/// The compiler that a build of CPython needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The release of the official WASI SDK.
    pub wasi_sdk: u32,
    /// The oldest suitable clang. With an older one, CPython is compiled without training data.
    pub clang: Option<u32>,
}

impl Needs {
    /// Returns the compiler that a release of CPython needs for these build options.
    #[must_use]
    pub fn of(pin: &CpythonPin, build: &Build) -> Self {
        let clang = build.training(pin.series()).map(|_| TRAINING_CLANG);
        let trained = clang.and(pin.trained_wasi_sdk);
        Self { wasi_sdk: trained.unwrap_or(pin.wasi_sdk), clang }
    }
}

/// The requested toolchain. `Display` and `FromStr` round-trip. Any string that is not the name of
/// a source is parsed as a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolchainRequest {
    /// The first available source.
    #[default]
    Auto,
    /// Only the pinned official WASI SDK.
    Official,
    /// Only the machine's own package archives.
    Packages,
    /// Only this directory.
    Path(Utf8PathBuf),
}

impl ToolchainRequest {
    /// Returns the request, or the SDK at `WASI_SDK_PATH` if no source was requested.
    #[must_use]
    pub fn or_environment(self, env: &Environment) -> Self {
        match (self, env.path(WASI_SDK_PATH)) {
            (Self::Auto, Some(path)) => Self::Path(path),
            (request, _) => request,
        }
    }

    /// Returns true if the request accepts an installation whose toolchain came from `source` and
    /// was in the directory `root`.
    #[must_use]
    pub fn accepts(&self, source: &str, root: &str) -> bool {
        match self {
            Self::Auto => true,
            Self::Official => source == Remote::Official.name(),
            Self::Packages => source == Remote::Packages.name(),
            Self::Path(path) => root == path,
        }
    }

    /// Returns the network sources to try, in order.
    pub(super) fn remotes(&self) -> &'static [Remote] {
        match self {
            Self::Auto => Remote::ALL,
            Self::Official => &[Remote::Official],
            Self::Packages => &[Remote::Packages],
            Self::Path(_) => &[],
        }
    }
}

impl fmt::Display for ToolchainRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Official => Remote::Official.name(),
            Self::Packages => Remote::Packages.name(),
            Self::Path(path) => path.as_str(),
        })
    }
}

impl FromStr for ToolchainRequest {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "official" => Self::Official,
            "packages" => Self::Packages,
            path => Self::Path(path.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_fills_an_open_request() {
        let env = Environment::of(&[(WASI_SDK_PATH, "/opt/sdk")]);
        let path = ToolchainRequest::Path("/opt/sdk".into());
        assert_eq!(ToolchainRequest::Auto.or_environment(&env), path);
        assert_eq!(ToolchainRequest::Packages.or_environment(&env), ToolchainRequest::Packages);
        let unset = Environment::default();
        assert_eq!(ToolchainRequest::Auto.or_environment(&unset), ToolchainRequest::Auto);
    }

    #[test]
    fn training_needs_a_newer_sdk() {
        let pin = CpythonPin::resolve("3.13".parse().unwrap()).unwrap();
        let plain = Needs::of(pin, &Build::default());
        assert_eq!(plain, Needs { wasi_sdk: 25, clang: None });
        let trained = Needs::of(pin, &Build { trained: true, ..Build::default() });
        assert_eq!(trained, Needs { wasi_sdk: 33, clang: Some(22) });
    }

    #[test]
    fn texts_round_trip() {
        for text in ["auto", "official", "packages", "/opt/sdk"] {
            assert_eq!(text.parse::<ToolchainRequest>().unwrap().to_string(), text);
        }
    }
}
