//! Python code and files as data in a wasm module. The user's packages are files in the directory
//! `/pywasm`. Modules of the standard library are either frozen, so that the interpreter imports
//! them without reading files, or files in the directory in which Python searches its library.

mod collect;
mod embedded;
mod files;
mod kept;
mod mount;
mod object;
mod problems;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Exclude;
use serde::{Deserialize, Serialize};

pub use collect::collect;
pub use embedded::{Embedded, PACKAGES};
pub use files::add_library;

/// The object file in the `lib` directory of an installation with the functions that read embedded
/// files at run time.
pub const FILES_OBJECT: &str = "pywasm-files.o";

/// The modules and packages to freeze.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Patterns for modules of the standard library, such as `json`, `email.*` or `*`. `!name`
    /// excludes a module.
    pub modules: Vec<String>,
    /// The user's packages and single-file modules.
    pub packages: Vec<Package>,
    /// Installed packages.
    pub wheels: Vec<Wheel>,
    /// True if the set is closed. The wasm module then contains only these Python modules and the
    /// modules that they import. No other frozen or built-in module of libpython is linked.
    pub closed: bool,
    /// True if the modules of the standard library are embedded as files instead of as frozen code,
    /// except for those that Python needs to start. Has no effect on a closed set, which is frozen.
    pub library_files: bool,
    /// Modules that the user's Rust code provides. Importing them causes no warning.
    pub provided: Vec<String>,
    /// Patterns for files of packages that are left out.
    pub exclude: Vec<Exclude>,
    /// True if a Cargo.toml selects the packages, so that warnings name its keys.
    pub in_crate: bool,
    /// True if the source of embedded modules is embedded in addition to their bytecode.
    pub source: bool,
}

/// A package or a single-file module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its path on this machine.
    pub path: Utf8PathBuf,
    /// The path as the user wrote it, which tracebacks show.
    pub shown: String,
}

/// An installed package: the content of a wheel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// The name of the package.
    pub name: String,
    /// The directory with its files, as in `site-packages`.
    pub root: Utf8PathBuf,
}

/// The interpreter that will import the frozen code.
#[derive(Clone, Copy, Debug)]
pub struct Interpreter<'a> {
    /// The path of the interpreter, a wasm command.
    pub wasm: &'a Utf8Path,
    /// The name of its installation, which identifies it.
    pub name: &'a str,
    /// The directory of the standard library, with bytecode.
    pub stdlib: &'a Utf8Path,
    /// CPython's series, such as `3.13`.
    pub series: &'a str,
}

/// A frozen Python module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Its full name.
    pub name: String,
    /// True for a package.
    pub package: bool,
    /// The offset of the module's code in the combined code of all modules.
    offset: usize,
    /// The size of the module's code in bytes.
    pub size: usize,
}

/// Frozen modules, ready to be linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    /// The frozen modules of the standard library, sorted by name.
    pub modules: Vec<Module>,
    /// The files of the user's packages, and those of the standard library.
    pub embedded: Embedded,
    /// The absolute path of the embedded standard library, if there is one.
    pub library: Option<String>,
    /// Modules that are not included, although functions in the standard library import them when
    /// called.
    pub absent: Vec<String>,
    /// Modules that the user's code imports but that were not found. Unless the user's Rust code
    /// provides them, importing them fails.
    pub unknown: Vec<String>,
    /// The built-in modules of a closed set, sorted.
    pub built_in: Option<Vec<String>>,
    /// Warnings: those of Python's compiler, imports that will fail, and files that are not
    /// embedded.
    pub warnings: Vec<String>,
    code: Vec<u8>,
}

impl Wanted {
    /// Returns true if there is nothing to freeze.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.packages.is_empty() && self.wheels.is_empty()
    }
}
