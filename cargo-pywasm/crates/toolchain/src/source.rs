//! The sources from which a tool can be obtained, and the search through those that need the
//! network.

use std::fmt;

use pywasm_session::{cause_of, one_line};
use pywasm_store::fetch::FetchError;
use serde::{Deserialize, Serialize};

/// The source of a toolchain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolchainSource {
    /// A directory that the user specified.
    Path,
    /// The official WASI SDK with this release number.
    Official(u32),
    /// Packages of the machine's distribution.
    Packages {
        /// The version of LLVM.
        llvm: String,
        /// The version of wasi-libc.
        wasi_libc: String,
    },
}

/// A source that was not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The name of the source: `path`, `store`, `official` or `packages`.
    pub source: String,
    /// The reason.
    pub reason: String,
}

impl ToolchainSource {
    /// Returns the name that is used in manifests and on the command line.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Official(_) => Remote::Official.name(),
            Self::Packages { .. } => Remote::Packages.name(),
        }
    }
}

impl fmt::Display for ToolchainSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("a WASI SDK at a given path"),
            Self::Official(release) => write!(f, "WASI SDK {release}"),
            Self::Packages { llvm, wasi_libc } => {
                write!(f, "packages of this distribution: LLVM {llvm}, wasi-libc {wasi_libc}")
            }
        }
    }
}

impl Skipped {
    pub(super) fn new(source: &str, reason: &str) -> Self {
        Self { source: source.to_owned(), reason: reason.to_owned() }
    }
}

/// Returns the skipped sources and their reasons as indented lines, for an error message.
pub(super) fn listed(skipped: &[Skipped]) -> String {
    skipped.iter().map(|it| format!("\n  {}: {}", it.source, it.reason)).collect()
}

/// A source that needs the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remote {
    /// The pinned release of the upstream project.
    Official,
    /// The machine's own package archives.
    Packages,
}

impl Remote {
    /// Every source, in order of preference. The release comes first, because it is the same on
    /// every machine.
    pub(super) const ALL: &[Self] = &[Self::Official, Self::Packages];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Packages => "packages",
        }
    }

    /// Returns true if the search continues with the next source after this error.
    fn may_skip(self, error: &anyhow::Error) -> bool {
        match self {
            Self::Official => is_unavailable(error),
            Self::Packages => !is_mismatch(error),
        }
    }
}

/// The error for a release that is not pinned for this machine.
#[derive(Debug, thiserror::Error)]
#[error("no {0} is pinned for {arch} {os}", arch = std::env::consts::ARCH, os = std::env::consts::OS)]
pub(super) struct NotPinned(pub(super) String);

/// Installs from the first source that is available, and adds the sources before it to `skipped`.
/// Returns `None` if no source is available. `failed` returns the context that is added to an
/// error.
///
/// # Errors
/// When the only source in `sources` fails, or when a source fails for a reason other than being
/// unavailable (for example, because of a wrong digest).
pub(super) fn search<T>(
    sources: &[Remote],
    skipped: &mut Vec<Skipped>,
    install: impl Fn(Remote, &[Skipped]) -> anyhow::Result<T>,
    failed: impl Fn(Remote) -> String,
) -> anyhow::Result<Option<T>> {
    for source in sources {
        match install(*source, skipped) {
            Ok(found) => return Ok(Some(found)),
            Err(error) if sources.len() == 1 || !source.may_skip(&error) => {
                return Err(error.context(failed(*source)));
            }
            Err(error) => skipped.push(Skipped::new(source.name(), &one_line(&error))),
        }
    }
    Ok(None)
}

/// Returns true if the error means that no release is pinned, or that its archive is unavailable.
fn is_unavailable(error: &anyhow::Error) -> bool {
    cause_of::<NotPinned>(error).is_some()
        || matches!(cause_of(error), Some(FetchError::Unavailable { .. }))
}

/// Returns true if the error means that a received file differs from the pinned or signed one.
fn is_mismatch(error: &anyhow::Error) -> bool {
    cause_of::<FetchError>(error).is_some_and(FetchError::is_mismatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unavailable() -> anyhow::Error {
        let error = FetchError::Unavailable { file: "sdk".into(), attempts: Vec::new() };
        anyhow::Error::new(error).context("sdk")
    }

    fn failed(source: Remote) -> String {
        format!("cannot install from {source:?}")
    }

    fn mismatch() -> anyhow::Error {
        let (file, url) = ("sdk".into(), "http://mirror.example/sdk".into());
        FetchError::WrongSize { file, url, expected: 1, got: "2 bytes".into() }.into()
    }

    #[test]
    fn unavailable_source_is_skipped_with_its_reason() {
        let mut skipped = Vec::new();
        let install = |source, skipped: &[Skipped]| match source {
            Remote::Official => Err(unavailable()),
            Remote::Packages => Ok(skipped.len()),
        };
        let found = search(Remote::ALL, &mut skipped, install, failed);
        assert_eq!(found.unwrap(), Some(1));
        assert_eq!(skipped[0].source, "official");
        assert!(listed(&skipped).starts_with("\n  official: sdk: "), "{}", listed(&skipped));
    }

    #[test]
    fn search_without_success_skips_every_source() {
        let mut skipped = Vec::new();
        let found = search(Remote::ALL, &mut skipped, |_, _| Err::<(), _>(unavailable()), failed);
        assert_eq!((found.unwrap(), skipped.len()), (None, 2));
    }

    #[test]
    fn other_errors_end_the_search() {
        let errors: [fn() -> anyhow::Error; 2] =
            [mismatch, || anyhow::anyhow!("no space left on device")];
        for error in errors {
            let mut skipped = Vec::new();
            let install = |_, _: &[Skipped]| Err::<(), _>(error());
            let error = search(Remote::ALL, &mut skipped, install, failed).unwrap_err();
            assert!(error.to_string().contains("from Official"), "{error}");
            assert_eq!(skipped, []);
        }
    }

    #[test]
    fn mismatch_of_a_package_ends_the_search() {
        let install = |source, _: &[Skipped]| match source {
            Remote::Official => Err::<(), _>(unavailable()),
            Remote::Packages => Err(mismatch()),
        };
        assert!(search(Remote::ALL, &mut Vec::new(), install, failed).is_err());
    }

    #[test]
    fn failure_of_the_only_source_is_an_error() {
        let install = |_, _: &[Skipped]| Err::<(), _>(unavailable());
        assert!(search(&[Remote::Official], &mut Vec::new(), install, failed).is_err());
    }
}
