//! What a build script tells Cargo, as data.

use std::fmt;
use std::path::PathBuf;

/// One line for Cargo; its `Display` is that line.
///
/// Source of the forms: "Build Scripts" in the Cargo book.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Directive {
    /// A directory with native libraries.
    LinkSearch(PathBuf),
    /// A static library that is linked where the module is, not copied into an rlib.
    LinkLib(String),
    /// The same, with all that is in it, wanted or not.
    LinkWholeLib(String),
    /// An argument for the linker of commands, reactors, tests and examples.
    LinkArg(String),
    /// An argument for the linker of reactors (`crate-type = ["cdylib"]`) only.
    LinkArgCdylib(String),
    /// A file or directory whose change is a reason to run the build script again.
    RerunIfChanged(PathBuf),
    /// A variable whose change is one.
    RerunIfEnvChanged(&'static str),
    /// A line for whoever builds the crate.
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
            Self::Warning(text) => write!(f, "cargo::warning={text}"),
            Self::RerunIfEnvChanged(name) => write!(f, "cargo::rerun-if-env-changed={name}"),
        }
    }
}
