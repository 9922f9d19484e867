//! The build settings of a recipe.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Feature, HostStack};

/// The settings for compiling the interpreter. In a recipe, every key is optional. `profile`
/// determines the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", from = "Table")]
pub struct Build {
    /// The profile that determines the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The clang optimization level.
    pub opt_level: OptLevel,
    /// True if clang uses the execution profile from a training run (`-fprofile-instr-use`).
    pub trained: bool,
    /// True if libpython is compiled with link-time optimization (LLVM's ThinLTO).
    pub lto: bool,
    /// True if the live ranges of the bytecode interpreter's variables are split at calls, so that
    /// engines without callee-saved registers keep the variables in registers between calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_live_ranges: Option<bool>,
    /// True if the interpreter records an execution profile for `cargo xtask train`.
    #[serde(skip_serializing_if = "is_false")]
    pub instrumented: bool,
    /// True if CPython's assertions are enabled (`--with-assertions`).
    pub assertions: bool,
    /// True if libpython and the interpreter contain DWARF debugging information.
    pub debug_info: bool,
    /// True if the docstrings of C functions are kept (`--with-doc-strings`).
    pub docstrings: bool,
    /// WebAssembly proposals to enable beyond the compiler's defaults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// Additional C compiler flags, one per entry, passed last.
    pub cflags: Vec<String>,
    /// Whether CPython's allocator for small objects is enabled (`--with-pymalloc`). By default,
    /// CPython disables it on WASI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pymalloc: Option<bool>,
    /// Whether mimalloc is built (`--with-mimalloc`), so that `PYTHONMALLOC` can select it. By
    /// default, CPython decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mimalloc: Option<bool>,
    /// The size of the host's stack in bytes. It limits the depth of recursion, so that Python raises
    /// an exception before the host traps. The default is that of wasmtime, 512 KiB.
    pub host_stack: HostStack,
    /// Optimization levels for individual CPython files, such as `"Objects/typeobject.c" = "2"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, OptLevel>,
}

/// The goal of a build. See `docs/benchmarks.md` for measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// High speed: `-O3`, training profile, link-time optimization, CPython's allocator.
    Speed,
    /// Small wasm modules: `-Oz`, no docstrings, CPython's allocator without mimalloc.
    Size,
    /// Debugging the interpreter: `-O1`, debugging information, assertions.
    Debug,
}

/// The `[build]` table of a recipe file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Table {
    profile: Option<Profile>,
    opt_level: Option<OptLevel>,
    trained: Option<bool>,
    lto: Option<bool>,
    split_live_ranges: Option<bool>,
    instrumented: bool,
    assertions: Option<bool>,
    debug_info: Option<bool>,
    docstrings: Option<bool>,
    features: Vec<Feature>,
    cflags: Vec<String>,
    pymalloc: Option<bool>,
    mimalloc: Option<bool>,
    host_stack: HostStack,
    files: BTreeMap<String, OptLevel>,
}

impl From<Table> for Build {
    fn from(table: Table) -> Self {
        let profile = table.profile;
        let (speed, size, debug) = (
            profile == Some(Profile::Speed),
            profile == Some(Profile::Size),
            profile == Some(Profile::Debug),
        );
        let opt_level = match profile {
            None => OptLevel::O2,
            Some(Profile::Speed) => OptLevel::O3,
            Some(Profile::Size) => OptLevel::Oz,
            Some(Profile::Debug) => OptLevel::O1,
        };
        Self {
            profile,
            opt_level: table.opt_level.unwrap_or(opt_level),
            trained: table.trained.unwrap_or(speed),
            lto: table.lto.unwrap_or(speed),
            split_live_ranges: table.split_live_ranges.or(speed.then_some(true)),
            instrumented: table.instrumented,
            assertions: table.assertions.unwrap_or(debug),
            debug_info: table.debug_info.unwrap_or(debug),
            docstrings: table.docstrings.unwrap_or(!size),
            features: table.features,
            cflags: table.cflags,
            pymalloc: table.pymalloc.or((speed || size).then_some(true)),
            mimalloc: table.mimalloc.or(size.then_some(false)),
            host_stack: table.host_stack,
            files: table.files,
        }
    }
}

impl Default for Build {
    fn default() -> Self {
        Table::default().into()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_false(it: &bool) -> bool {
    !it
}

/// A clang optimization level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OptLevel {
    /// `-O0`
    #[serde(rename = "0")]
    O0,
    /// `-O1`
    #[serde(rename = "1")]
    O1,
    /// `-O2`
    #[serde(rename = "2")]
    O2,
    /// `-O3`
    #[serde(rename = "3")]
    O3,
    /// `-Os`
    #[serde(rename = "s")]
    Os,
    /// `-Oz`
    #[serde(rename = "z")]
    Oz,
}

impl OptLevel {
    /// Returns the compiler flag, such as `-O2`.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::O0 => "-O0",
            Self::O1 => "-O1",
            Self::O2 => "-O2",
            Self::O3 => "-O3",
            Self::Os => "-Os",
            Self::Oz => "-Oz",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(table: &str) -> Build {
        toml::from_str(table).unwrap()
    }

    #[test]
    fn profile_provides_defaults() {
        let speed = build("profile = \"speed\"");
        assert_eq!(
            (speed.opt_level, speed.trained, speed.pymalloc),
            (OptLevel::O3, true, Some(true))
        );
        let size = build("profile = \"size\"\nopt-level = \"s\"\ntrained = true");
        assert_eq!((size.opt_level, size.trained, size.docstrings), (OptLevel::Os, true, false));
        let debug = build("profile = \"debug\"\ndebug-info = false");
        assert!(debug.assertions && !debug.debug_info);
        assert_eq!(build(""), Build::default());
        assert_eq!(Build::default().opt_level, OptLevel::O2);
    }

    #[test]
    fn serialized_build_round_trips() {
        for profile in ["speed", "size", "debug"] {
            let original = build(&format!("profile = \"{profile}\""));
            assert_eq!(build(&toml::to_string(&original).unwrap()), original);
        }
    }

    #[test]
    fn unknown_profile_error_lists_profiles() {
        let error = toml::from_str::<Build>("profile = \"fast\"").unwrap_err().to_string();
        assert!(error.contains("`speed`, `size`, `debug`"), "{error}");
        assert!(toml::from_str::<Build>("optlevel = \"2\"").is_err());
    }
}
