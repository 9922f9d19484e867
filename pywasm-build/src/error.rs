//! The errors that can occur while an installation is located and linked.

use std::fmt;
use std::path::{Path, PathBuf};

/// The reason why Python cannot be linked.
///
/// The message starts in lowercase and says what is affected. Most messages end with a `hint: …`
/// line that suggests one action.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    Read(PathBuf, std::io::Error),
    /// A file cannot be written.
    Write(PathBuf, std::io::Error),
    /// The host's stack is too small for Python.
    HostStack {
        /// The requested size in bytes.
        bytes: u32,
        /// The smallest allowed size in bytes.
        minimum: u32,
    },
    /// The `manifest.json` of an installation has a format or version that this crate cannot read.
    Manifest(PathBuf, String),
    /// A `.pywasm/project.json` has a format or version that this crate cannot read.
    Project(PathBuf, String),
    /// There is no store to search: neither `PYWASM_STORE` nor `HOME` is set.
    NoHome,
    /// No installation matches the request.
    NotInstalled {
        /// The request, such as `CPython 3.13 (full)`.
        request: String,
        /// The command that installs a matching CPython.
        command: String,
    },
    /// The specified installation cannot be opened.
    Named {
        /// The file or variable that specifies the installation.
        by: String,
        /// The reason.
        cause: Box<Error>,
    },
    /// The specified installation does not match what the build script requests.
    Mismatch {
        /// The file or variable that specifies the installation.
        by: String,
        /// The specified installation, such as `CPython 3.13.15 (default)`.
        found: String,
        /// The request, such as `CPython 3.13 (full)`.
        request: String,
    },
    /// The target is for a version of WASI other than preview 1.
    Target(String),
    /// The Rust toolchain with this sysroot has no standard library for the target.
    NoTarget(PathBuf),
    /// A library or object file does not have the format that its name suggests.
    Damaged(PathBuf),
    /// Neither libpython's libc nor Rust's provides all the functions that libpython and Rust need.
    LibcPair {
        /// The `libc.a` that libpython was built against.
        python: PathBuf,
        /// The `libc.a` of the Rust toolchain.
        rust: PathBuf,
        /// Symbols that Rust needs and libpython's libc lacks.
        missing_from_python: Vec<String>,
        /// Symbols that libpython needs and Rust's libc lacks.
        missing_from_rust: Vec<String>,
    },
    /// A program could not be started, or failed.
    Program {
        /// The command line.
        command: String,
        /// The output of the program, or the reason why it could not be started.
        message: String,
    },
}

impl Error {
    pub(crate) fn manifest(path: &Path, problem: impl Into<String>) -> Self {
        Self::Manifest(path.to_owned(), problem.into())
    }

    pub(crate) fn project(path: &Path, problem: impl Into<String>) -> Self {
        Self::Project(path.to_owned(), problem.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(
                f,
                "cannot read `{}`: {error}\nhint: `cargo pywasm install` installs Python",
                path.display()
            ),
            Self::Write(path, error) => write!(f, "cannot write `{}`: {error}", path.display()),
            Self::HostStack { bytes, minimum } => write!(
                f,
                "Python needs a host's stack of at least {minimum} bytes, not {bytes}\n\
                 hint: change `host-stack` in Cargo.toml or in the build script"
            ),
            Self::Manifest(path, problem) => write!(
                f,
                "`{}` is not a manifest that this pywasm-build can read: {problem}\n\
                 hint: reinstall Python with `cargo pywasm install --force`, or use the version of \
                 pywasm-build that matches the installed Python",
                path.display()
            ),
            Self::Project(path, problem) => write!(
                f,
                "`{}` is not a project file that this pywasm-build can read: {problem}\n\
                 hint: run `cargo pywasm install` in the crate, which rewrites the file",
                path.display()
            ),
            Self::NoHome => f.write_str(
                "no store to search for installations: neither PYWASM_STORE nor HOME is set\n\
                 hint: set PYWASM_STORE to the store that `cargo pywasm install` uses",
            ),
            Self::NotInstalled { request, command } => {
                write!(f, "{request} is not installed\nhint: `{command}` installs it")
            }
            Self::Named { by, cause } => write!(f, "the installation specified by {by}: {cause}"),
            Self::Mismatch { by, found, request } => write!(
                f,
                "the installation specified by {by} is {found}, but the build script requests \
                 {request}\n\
                 hint: request the same Python in `[package.metadata.pywasm]` and in the build \
                 script, then run `cargo pywasm install` in the crate"
            ),
            Self::Target(target) => write!(
                f,
                "Python cannot be linked for {target}: it is built for wasm32-wasip1\n\
                 hint: build with `--target wasm32-wasip1`"
            ),
            Self::NoTarget(sysroot) => write!(
                f,
                "the Rust toolchain in `{}` cannot build for wasm32-wasip1\n\
                 hint: run `rustup target add wasm32-wasip1`, or build with `cargo pywasm build`, \
                 which finds a suitable toolchain",
                sysroot.display()
            ),
            Self::Damaged(path) => write!(
                f,
                "`{}` is damaged: its content is not in the format that its name suggests\n\
                 hint: reinstall the toolchain or the Python that the file belongs to",
                path.display()
            ),
            Self::LibcPair { python, rust, missing_from_python, missing_from_rust } => write!(
                f,
                "no libc satisfies both libpython and Rust: libpython's libc, `{}`, lacks {}, \
                 which Rust needs; Rust's libc, `{}`, lacks {}, which libpython needs\n\
                 hint: build Python with the WASI SDK whose libc this Rust bundles (`cargo pywasm \
                 install --wasi-sdk PATH`), or use a Rust release that is about as old as Python's \
                 WASI SDK",
                python.display(),
                missing_from_python.join(", "),
                rust.display(),
                missing_from_rust.join(", ")
            ),
            Self::Program { command, message } => write!(f, "`{command}` failed: {message}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(_, error) | Self::Write(_, error) => Some(error),
            Self::Named { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
