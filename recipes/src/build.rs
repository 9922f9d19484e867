//! How the interpreter is compiled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the interpreter is compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Build {
    /// clang's optimisation level.
    pub opt_level: OptLevel,
    /// Whether C docstrings are kept (`--with-doc-strings`).
    pub docstrings: bool,
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

impl Default for Build {
    fn default() -> Self {
        Self {
            opt_level: OptLevel::O2,
            docstrings: true,
            cflags: Vec::new(),
            pymalloc: None,
            mimalloc: None,
            files: BTreeMap::new(),
        }
    }
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
