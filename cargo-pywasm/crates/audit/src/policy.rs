//! What a host gives a module, and what it takes: a policy, from TOML.
//!
//! The format is described in `docs/guide/audit.md`. Policies that are built in are files of
//! `policies/`; a user's own may start from one of them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context;
use camino::Utf8Path;
use glob::Pattern;
use pywasm_session::WithHint;
use pywasm_stubs::Signature;
use serde::{Deserialize, Serialize};

mod features;
mod file;

/// The policies that are built in, by name, sorted.
const BUILTIN: [(&str, &str); 3] = [
    ("ic", include_str!("../policies/ic.toml")),
    ("none", include_str!("../policies/none.toml")),
    ("wasip1", include_str!("../policies/wasip1.toml")),
];

/// The one that counts where none is named.
pub const DEFAULT: &str = "wasip1";

/// A policy, complete: what it extends is in it.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What its host has, by module and name.
    pub functions: BTreeMap<String, BTreeMap<String, HostFunction>>,
    /// Patterns of `module.name` that may be imported beside those, of any type.
    pub allow: Vec<Allowed>,
    /// Patterns that may not, whatever else says so.
    pub deny: Vec<Glob>,
    /// From which modules a memory may be imported.
    pub memory_from: Vec<String>,
    /// From which modules a table may be imported.
    pub table_from: Vec<String>,
    /// The proposals that the host has, where it is asked for.
    pub features: Option<wasmparser::WasmFeatures>,
    /// Rules for exports.
    pub exports: Exports,
    /// The beginnings of the custom sections that the limits speak of; none: all of them.
    pub custom_sections: Vec<String>,
    /// How custom sections begin that have to begin with one of those.
    pub custom_sections_reserved: Option<String>,
    /// The types that globals may have; none: all of them.
    pub global_types: Vec<String>,
    /// Instructions that change tables, and that the host rejects.
    pub deny_instructions: Vec<String>,
    /// What has a limit.
    pub limits: BTreeMap<Limited, Limit>,
    /// Where there are any: the rest is taken for given.
    only: Vec<Pattern>,
}

/// A function of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// Its type.
    pub signature: Signature,
    /// Whether the start function may call it. Policies that say it of no function allow all.
    pub start: bool,
}

/// A pattern that allows, and whether it was written by the user, who then hears when it matches
/// nothing.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The pattern.
    pub glob: Glob,
    /// Whether it is the user's own.
    pub own: bool,
}

/// Rules for exports.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Exports {
    /// Exports that there must be: `_start = "() -> ()"`, `memory = "memory"`.
    pub required: BTreeMap<String, String>,
    /// Exports that begin so are the module's interface: one of `exact` or `methods`.
    pub prefix: Option<String>,
    /// The type of those, where it is always the same.
    #[serde(rename = "type")]
    pub signature: Option<Sign>,
    /// Whole names.
    pub exact: Vec<String>,
    /// Beginnings, which are followed by a method's name.
    pub methods: Vec<String>,
    /// Names that the host takes itself.
    pub reserved: Vec<String>,
}

/// A thing that can have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limited {
    /// Bytes of the module, uncompressed.
    Size,
    /// Bytes of the module, as it is when it comes compressed.
    GzipSize,
    /// Bytes of the code section.
    CodeSize,
    /// Bytes of the data section.
    DataSize,
    /// Functions that are defined.
    Functions,
    /// Imports.
    Imports,
    /// Globals, imported ones included.
    Globals,
    /// Tables.
    Tables,
    /// Memories.
    Memories,
    /// Pages of 64 KiB that a memory has at the start.
    MemoryPages,
    /// Instructions of one function.
    FunctionInstructions,
    /// Complexity of one function: 50 for each block, branch and call.
    FunctionComplexity,
    /// Custom sections.
    CustomSections,
    /// Bytes of the custom sections, names included.
    CustomSectionsSize,
    /// Exported methods.
    Methods,
    /// Bytes of all their names.
    MethodNamesSize,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The largest value that is taken.
    pub value: u64,
    /// Where that is said.
    pub source: Option<String>,
}

/// A pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(pub Pattern);

/// A signature, from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign(pub Signature);

impl Policy {
    /// The policy of a name or of a path: anything with a `/` or the ending `.toml` is a path.
    ///
    /// # Errors
    /// When there is none of that name, or the file is not one.
    pub fn load(name: &str, cwd: &Utf8Path) -> anyhow::Result<Self> {
        if !pywasm_session::is_path(name) {
            return Self::builtin(name);
        }
        let path = cwd.join(name);
        let text =
            fs_err::read_to_string(&path).with_context(|| format!("can't read policy `{name}`"))?;
        let mut policy =
            Self::parse(&text, true).with_context(|| format!("`{name}` is not a policy"))?;
        if policy.name.is_empty() {
            name.clone_into(&mut policy.name);
        }
        Ok(policy)
    }

    /// The names of those that are built in, sorted.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The names of what can have a limit.
    pub fn limit_names() -> impl Iterator<Item = String> + fmt::Debug {
        Limited::ALL.iter().map(ToString::to_string)
    }

    fn builtin(name: &str) -> anyhow::Result<Self> {
        let found = BUILTIN.iter().find(|(known, _)| *known == name);
        let (_, text) =
            found.with_context(|| format!("there is no built-in policy `{name}`")).hint(|| {
                let known: Vec<&str> = Self::builtin_names().collect();
                format!("built in are {}; a path ends in `.toml`", known.join(", "))
            })?;
        Self::parse(text, false)
    }

    /// Whether the host has a function, of whatever type.
    #[must_use]
    pub fn has(&self, module: &str, name: &str) -> bool {
        let import = format!("{module}.{name}");
        let is_asked = |it: &Pattern| it.matches(name) || it.matches(&import);
        if !self.only.is_empty() && !self.only.iter().any(is_asked) {
            return true;
        }
        !self.denies(&import) && (self.function(module, name).is_some() || self.allows(&import))
    }

    /// The host's function of this name.
    #[must_use]
    pub fn function(&self, module: &str, name: &str) -> Option<&HostFunction> {
        self.functions.get(module)?.get(name)
    }

    /// Whether the limits speak of a custom section of this name.
    #[must_use]
    pub fn counts_section(&self, name: &str) -> bool {
        let prefixes = &self.custom_sections;
        prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Whether `module.name` may not be imported, whatever else says so.
    #[must_use]
    pub fn denies(&self, import: &str) -> bool {
        self.deny.iter().any(|glob| glob.0.matches(import))
    }

    /// Whether `module.name` may be imported as whatever it is.
    #[must_use]
    pub fn allows(&self, import: &str) -> bool {
        self.allow.iter().any(|allowed| allowed.glob.0.matches(import))
    }

    /// Takes for given whatever none of these patterns speaks of; without any, nothing more.
    pub fn restrict(&mut self, only: &[Pattern]) {
        self.only = only.to_vec();
    }

    /// Whether any function is marked for the start function.
    #[must_use]
    pub fn restricts_start(&self) -> bool {
        self.functions.values().flat_map(BTreeMap::values).any(|function| function.start)
    }
}

/// Whether a text is the kind of an export rather than a function's type.
pub(super) fn is_kind(text: &str) -> bool {
    matches!(text, "function" | "memory" | "table" | "global")
}

impl Limited {
    const ALL: [Self; 16] = [
        Self::Size,
        Self::GzipSize,
        Self::CodeSize,
        Self::DataSize,
        Self::Functions,
        Self::Imports,
        Self::Globals,
        Self::Tables,
        Self::Memories,
        Self::MemoryPages,
        Self::FunctionInstructions,
        Self::FunctionComplexity,
        Self::CustomSections,
        Self::CustomSectionsSize,
        Self::Methods,
        Self::MethodNamesSize,
    ];

    /// Of what there is too much.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Size => "bytes, uncompressed",
            Self::GzipSize => "bytes, compressed",
            Self::CodeSize | Self::DataSize | Self::CustomSectionsSize | Self::MethodNamesSize => {
                "bytes"
            }
            Self::Functions => "functions",
            Self::Imports => "imports",
            Self::Globals => "globals",
            Self::Tables => "tables",
            Self::Memories => "memories",
            Self::MemoryPages => "pages at the start",
            Self::FunctionInstructions => "instructions",
            Self::FunctionComplexity => "weighted instructions",
            Self::CustomSections => "sections",
            Self::Methods => "methods",
        }
    }
}

/// The key of the policy.
impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
