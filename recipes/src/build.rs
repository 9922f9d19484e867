//! How the interpreter is compiled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Feature;

/// How the interpreter is compiled.
///
/// Read from a table in which each key is optional: what is not said is the profile's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", from = "Given")]
pub struct Build {
    /// Where the rest comes from that a recipe does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// clang's optimisation level.
    pub opt_level: OptLevel,
    /// Whether clang knows from a training run which code is hot (`-fprofile-instr-use`).
    pub trained: bool,
    /// Whether all of libpython is optimized as one (LLVM's ThinLTO).
    pub lto: bool,
    /// Whether the loop that interprets bytecode keeps its variables in registers between calls, on engines
    /// whose calls preserve none; else as the compiler has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_live_ranges: Option<bool>,
    /// Whether it counts what it runs, for `cargo xtask train`.
    #[serde(skip_serializing_if = "is_false")]
    pub instrumented: bool,
    /// Whether CPython's own assertions are compiled in (`--with-assertions`).
    pub assertions: bool,
    /// Whether it has DWARF debugging information, in libpython and in the interpreter.
    pub debug_info: bool,
    /// Whether C docstrings are kept (`--with-doc-strings`).
    pub docstrings: bool,
    /// Proposals of WebAssembly that the compiler uses beside those that it uses by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// Further flags for the C compiler, one flag an entry, after ours.
    pub cflags: Vec<String>,
    /// Whether CPython's allocator for small objects is built in (`--with-pymalloc`); else as CPython's
    /// configure has it, which is without it on WASI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pymalloc: Option<bool>,
    /// Whether mimalloc is built in (`--with-mimalloc`), which `PYTHONMALLOC` can choose then; else as
    /// CPython's configure has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mimalloc: Option<bool>,
    /// Files of CPython with another level of optimisation: `"Objects/typeobject.c" = "2"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, OptLevel>,
}

/// What a build is for; the measurements behind each are in `docs/benchmarks.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Python runs as fast as it can: `-O3`, trained, optimized as a whole, with CPython's own allocator.
    Speed,
    /// Modules are small: `-Oz`, without docstrings, with CPython's own allocator alone.
    Size,
    /// The interpreter can be debugged: `-O1` with debugging information and assertions.
    Debug,
}

/// The table as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Given {
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
    files: BTreeMap<String, OptLevel>,
}

impl From<Given> for Build {
    fn from(given: Given) -> Self {
        let profile = given.profile;
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
            opt_level: given.opt_level.unwrap_or(opt_level),
            trained: given.trained.unwrap_or(speed),
            lto: given.lto.unwrap_or(speed),
            split_live_ranges: given.split_live_ranges.or(speed.then_some(true)),
            instrumented: given.instrumented,
            assertions: given.assertions.unwrap_or(debug),
            debug_info: given.debug_info.unwrap_or(debug),
            docstrings: given.docstrings.unwrap_or(!size),
            features: given.features,
            cflags: given.cflags,
            pymalloc: given.pymalloc.or((speed || size).then_some(true)),
            mimalloc: given.mimalloc.or(size.then_some(false)),
            files: given.files,
        }
    }
}

impl Default for Build {
    fn default() -> Self {
        Given::default().into()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_false(it: &bool) -> bool {
    !it
}

/// clang's optimisation level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OptLevel {
    /// No optimisation, for debugging the interpreter itself.
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
    /// The compiler flag, `-O2` for instance.
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
    fn a_profile_is_what_a_table_does_not_say() {
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
    fn a_table_that_says_all_is_read_back() {
        for profile in ["speed", "size", "debug"] {
            let one = build(&format!("profile = \"{profile}\""));
            assert_eq!(build(&toml::to_string(&one).unwrap()), one);
        }
    }

    #[test]
    fn an_unknown_profile_comes_with_those_there_are() {
        let error = toml::from_str::<Build>("profile = \"fast\"").unwrap_err().to_string();
        assert!(error.contains("`speed`, `size`, `debug`"), "{error}");
        assert!(toml::from_str::<Build>("optlevel = \"2\"").is_err());
    }
}
