//! What can be wrong with an installation, or with linking it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::libc::Stamp;

/// Why an installation can't be used. Displays as one sentence and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file can't be read.
    Read(PathBuf, std::io::Error),
    /// A file is not what this version of the crate reads.
    Manifest(PathBuf, String),
    /// There is no place to look in: neither `PYWASM_STORE` nor `HOME` is set.
    NoHome,
    /// Nothing that is installed is what is asked for.
    NotInstalled {
        /// What is asked for.
        wanted: String,
        /// The command that makes it.
        command: String,
    },
    /// The installation that was named can't be opened.
    Named {
        /// Who named it.
        by: String,
        /// Why it can't.
        cause: Box<Error>,
    },
    /// The installation that was named is not what is asked for.
    Mismatch {
        /// Who named it.
        by: String,
        /// What it is.
        has: String,
        /// What is asked for.
        wanted: String,
    },
    /// This Rust can't build for the target.
    NoTarget(PathBuf),
    /// A library or object of Rust's or the installation's is not what its name says.
    Damaged(PathBuf),
    /// Neither libc can be linked with both sides.
    LibcPair {
        /// The one libpython was built against.
        python: Stamp,
        /// The one Rust brings.
        rust: Stamp,
        /// What the first lacks.
        pythons_lacks: Vec<String>,
        /// What the second lacks.
        rusts_lacks: Vec<String>,
    },
    /// A program can't be run, or failed; its name and what it said.
    Program(String, String),
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
                "`{}` is not what this version reads: {text}\n\
                 hint: install again with `cargo pywasm install --force`, or use the \
                 pywasm-build of the version that installed it",
                path.display()
            ),
            Self::NoHome => f.write_str(
                "no place to look for installations: neither PYWASM_STORE nor HOME is set\n\
                 hint: set PYWASM_STORE to the directory `cargo pywasm install` used",
            ),
            Self::NotInstalled { wanted, command } => {
                write!(f, "no {wanted} is installed\nhint: `{command}` builds it")
            }
            Self::Named { by, cause } => write!(f, "the installation named by {by}: {cause}"),
            Self::Mismatch { by, has, wanted } => write!(
                f,
                "the installation named by {by} is {has}, and the build script asks for {wanted}\n\
                 hint: let `[package.metadata.pywasm]` and the build script say the same, then \
                 run `cargo pywasm install` in the project"
            ),
            Self::NoTarget(sysroot) => write!(
                f,
                "the Rust in `{}` can't build for wasm32-wasip1\n\
                 hint: `rustup target add wasm32-wasip1`, or build with `cargo pywasm build`, \
                 which finds a Rust that can",
                sysroot.display()
            ),
            Self::Damaged(path) => write!(
                f,
                "`{}` is not the kind of file its name says\n\
                 hint: install again what it belongs to",
                path.display()
            ),
            Self::LibcPair { python, rust, pythons_lacks, rusts_lacks } => write!(
                f,
                "libpython was built against {python} and this Rust brings {rust}: the first \
                 lacks {}, which Rust wants; the second lacks {}, which libpython wants\n\
                 hint: build libpython with the WASI SDK whose libc this Rust brings \
                 (`cargo pywasm install --wasi-sdk PATH`), or take a Rust of the SDK's time",
                pythons_lacks.join(", "),
                rusts_lacks.join(", ")
            ),
            Self::Program(name, said) => write!(f, "`{name}` failed: {said}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(_, error) => Some(error),
            Self::Named { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
