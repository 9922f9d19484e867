//! Python code that travels inside a wasm module: modules of the standard library and packages of
//! the user's, as data that the interpreter finds without any file.

mod collect;
mod object;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

pub use collect::collect;

/// What goes into the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Modules of the standard library: `json`, `email.*`, `*`, and `!name` for what stays out.
    pub modules: Vec<String>,
    /// Packages and single files of the user's.
    pub packages: Vec<Package>,
    /// Whether this is all that there is: of libpython's own modules, frozen or in C, those are there
    /// that something wanted here imports, and no others are linked.
    pub closed: bool,
}

/// A package, or a module of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Where it lies.
    pub path: Utf8PathBuf,
    /// What tracebacks call it: its path as the user wrote it.
    pub shown: String,
}

/// The interpreter that the code is for.
#[derive(Clone, Copy, Debug)]
pub struct Interpreter<'a> {
    /// The command module.
    pub wasm: &'a Utf8Path,
    /// The standard library as a tree, with bytecode.
    pub stdlib: &'a Utf8Path,
    /// CPython's series, `3.13`.
    pub series: &'a str,
}

/// A module that travels inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Its full name.
    pub name: String,
    /// Whether it is a package.
    pub package: bool,
    /// Whether it is the user's own.
    pub own: bool,
    /// Where its code begins.
    offset: usize,
    /// Bytes of its code.
    pub size: usize,
}

/// Code to be linked in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    /// By name.
    pub modules: Vec<Module>,
    /// Modules that functions of the library import, when they are called, and that are not here.
    pub absent: Vec<String>,
    /// Modules that the user's own code imports and that are nowhere: Rust has to provide them, or
    /// their import fails.
    pub unknown: Vec<String>,
    /// Of a closed set: the modules in C that it has, sorted.
    pub built_in: Option<Vec<String>>,
    /// What the compiler had to say.
    pub warnings: String,
    code: Vec<u8>,
}

impl Wanted {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.packages.is_empty()
    }
}
