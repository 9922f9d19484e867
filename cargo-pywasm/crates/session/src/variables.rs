//! The environment variables that the tool reads, each a documented constant.

/// Declares the constants and [`DOCUMENTED`], which lists them in the same order.
macro_rules! documented {
    ($($constant:ident = $name:literal: $meaning:literal;)*) => {
        $(#[doc = concat!("`", $name, "`: ", $meaning, ".")] pub const $constant: &str = $name;)*

        /// The tool's variables with their meanings, for `--help`, the man page and `doctor`.
        pub const DOCUMENTED: &[(&str, &str)] = &[$(($name, $meaning)),*];
    };
}

documented! {
    PYWASM_STORE = "PYWASM_STORE":
        "one directory for downloads, builds and installations, instead of the XDG directories";
    PYWASM_MIRROR = "PYWASM_MIRROR":
        "base URL (https, http or file) of a mirror, tried after upstream";
    PYWASM_OFFLINE = "PYWASM_OFFLINE": "1: use the store only, never the network";
    PYWASM_JOBS = "PYWASM_JOBS": "number of parallel build jobs";
    PYWASM_PYTHON = "PYWASM_PYTHON": "CPython version to install or run, such as 3.13 or 3.13.15";
    PYWASM_RECIPE = "PYWASM_RECIPE": "name of a built-in recipe, or path of a recipe file";
    PYWASM_BUILD_PYTHON = "PYWASM_BUILD_PYTHON":
        "native Python of the same minor version as the CPython to build, used to freeze modules";
    PYWASM_APT_SOURCES = "PYWASM_APT_SOURCES":
        "directory to use instead of /etc/apt, with the same layout";
    PYWASM_UPSTREAM = "PYWASM_UPSTREAM":
        "base URL to use instead of all upstream hosts, for tests and closed networks";
    PYWASM_WASM_OPT = "PYWASM_WASM_OPT":
        "Binaryen's wasm-opt for the post-link steps, instead of the one on PATH or in the store";
    PYWASM_UV = "PYWASM_UV":
        "uv to resolve requirements with, a path or a name on PATH, instead of the pinned release";
    WASI_SDK_PATH = "WASI_SDK_PATH": "directory of a WASI SDK to use";
    NO_COLOR = "NO_COLOR": "disables colours in the output";
}

/// `HOME`: the home directory, which contains the default directories of the store.
pub const HOME: &str = "HOME";
/// `XDG_CACHE_HOME`: the directory for caches, instead of `~/.cache`.
pub const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";
/// `XDG_DATA_HOME`: the directory for installations, instead of `~/.local/share`.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// `PATH`: the directories that are searched for programs.
pub const PATH: &str = "PATH";
/// `CARGO`: the Cargo that runs this tool. Set by Cargo for its subcommands.
pub const CARGO: &str = "CARGO";
/// `CARGO_HOME`: Cargo's directory for downloads and its configuration, instead of `~/.cargo`.
pub const CARGO_HOME: &str = "CARGO_HOME";
/// `RUSTC`: the Rust compiler that Cargo uses instead of the one on `PATH`.
pub const RUSTC: &str = "RUSTC";

/// Variables that are not in [`DOCUMENTED`], but whose values must also be UTF-8, because the tool
/// uses them as paths.
pub(crate) const TEXT: &[&str] = &[HOME, XDG_CACHE_HOME, XDG_DATA_HOME, CARGO, CARGO_HOME, RUSTC];
