//! Lines that a build script prints for Cargo.

use std::fmt;
use std::path::PathBuf;

/// One instruction for Cargo. The `Display` implementation writes the line that the build script
/// prints.
///
/// Source of the formats: [Build Scripts] in the Cargo book.
///
/// [Build Scripts]: https://doc.rust-lang.org/cargo/reference/build-scripts.html
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Directive {
    /// A directory to search for native libraries.
    LinkSearch(PathBuf),
    /// A static library, linked into the final module rather than copied into an rlib.
    LinkLib(String),
    /// A static library. All of its members are linked, even unused ones.
    LinkWholeLib(String),
    /// A linker argument for every binary, cdylib, test and example of the package.
    LinkArg(String),
    /// A linker argument for reactors (`crate-type = ["cdylib"]`) only.
    LinkArgCdylib(String),
    /// A file or directory. Cargo reruns the build script when it changes.
    RerunIfChanged(PathBuf),
    /// An environment variable. Cargo reruns the build script when its value changes.
    RerunIfEnvChanged(&'static str),
    /// A warning that Cargo shows.
    Warning(String),
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkSearch(dir) => {
                write!(f, "cargo::rustc-link-search=native={}", dir.display())
            }
            Self::LinkLib(name) => write!(f, "cargo::rustc-link-lib=static:-bundle={name}"),
            Self::LinkWholeLib(name) => {
                write!(f, "cargo::rustc-link-lib=static:+whole-archive,-bundle={name}")
            }
            Self::LinkArg(arg) => write!(f, "cargo::rustc-link-arg={arg}"),
            Self::LinkArgCdylib(arg) => write!(f, "cargo::rustc-link-arg-cdylib={arg}"),
            Self::RerunIfChanged(path) => write!(f, "cargo::rerun-if-changed={}", path.display()),
            Self::RerunIfEnvChanged(name) => write!(f, "cargo::rerun-if-env-changed={name}"),
            Self::Warning(text) => write!(f, "cargo::warning={text}"),
        }
    }
}
