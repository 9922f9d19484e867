//! What can be wrong with an installation.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why an installation can't be used. Displays as one sentence and what to do.
#[derive(Debug)]
pub enum Error {
    /// A file of the installation can't be read.
    Read(PathBuf, std::io::Error),
    /// `manifest.json` is not what this version of the crate reads.
    Manifest(PathBuf, String),
    /// There is no place to look in: neither `PYWASM_STORE` nor `HOME` is set.
    NoHome,
}

impl Error {
    pub(crate) fn manifest(path: &Path, text: impl Into<String>) -> Self {
        Self::Manifest(path.to_owned(), text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(
                f,
                "can't read `{}`: {error}\nhint: `cargo pywasm install` makes an installation",
                path.display()
            ),
            Self::Manifest(path, text) => write!(
                f,
                "`{}` is not a manifest this version reads: {text}\n\
                 hint: install again with `cargo pywasm install --force`, or use the \
                 pywasm-build of the version that installed it",
                path.display()
            ),
            Self::NoHome => f.write_str(
                "no place to look for installations: neither PYWASM_STORE nor HOME is set\n\
                 hint: set PYWASM_STORE to the directory `cargo pywasm install` used",
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(_, error) => Some(error),
            Self::Manifest(..) | Self::NoHome => None,
        }
    }
}
