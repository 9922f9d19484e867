//! Policies: descriptions of the imports that a host provides and of the modules that it accepts.
//!
//! A policy is a TOML file, whose format is described in `docs/guide/audit.md`. The built-in
//! policies are the files in `policies/`. A user's own policy can extend one of them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context;
use camino::Utf8Path;
use glob::Pattern;
use pywasm_session::WithHint;
use pywasm_stubs::Signature;
use serde::{Deserialize, Serialize};

mod export;
mod features;
mod file;
mod function;

pub(crate) use export::ExportType;
pub use function::FunctionType;

/// The built-in policies, sorted by name.
const BUILTIN: [(&str, Host, &str); 3] = [
    ("ic", Host::InternetComputer, include_str!("../policies/ic.toml")),
    ("none", Host::Other, include_str!("../policies/none.toml")),
    ("wasip1", Host::Wasip1, include_str!("../policies/wasip1.toml")),
];

/// The name of the default policy.
pub const DEFAULT: &str = "wasip1";

/// The kind of host that a policy describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// A host of WASI preview 1.
    Wasip1,
    /// The Internet Computer, described by policy `ic` or by a policy that extends `ic`.
    InternetComputer,
    /// Any other host. Messages identify it by the name of its policy.
    #[default]
    Other,
}

impl Host {
    /// Returns the host kind for policies that extend a policy of this kind. A policy that extends
    /// `wasip1` describes a different host, which provides more or less than WASI.
    pub(crate) fn extended(self) -> Self {
        match self {
            Self::InternetComputer => Self::InternetComputer,
            Self::Wasip1 | Self::Other => Self::Other,
        }
    }
}

/// A policy, including the rules of the policy that it extends.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The name of the policy.
    pub name: String,
    /// The kind of host.
    pub host: Host,
    /// The functions of the host, by module and name.
    pub functions: BTreeMap<String, BTreeMap<String, HostFunction>>,
    /// Patterns (`module.name`) for imports that are allowed with any type, in addition to
    /// `functions`.
    pub allow: Vec<Allowed>,
    /// Patterns (`module.name`) for imports that are denied. These patterns take precedence over
    /// all other rules.
    pub deny: Vec<Glob>,
    /// The names of the wasm modules from which a memory may be imported.
    pub memory_from: Vec<String>,
    /// The names of the wasm modules from which a table may be imported.
    pub table_from: Vec<String>,
    /// The proposals that the host supports; `None` if the policy does not list them.
    pub features: Option<wasmparser::WasmFeatures>,
    /// Rules for exports.
    pub exports: Exports,
    /// The name prefixes of the custom sections to which limits apply. If empty, limits apply to
    /// all custom sections.
    pub custom_sections: Vec<String>,
    /// A reserved prefix. Custom sections whose names start with it must have one of the prefixes
    /// in `custom_sections`.
    pub custom_sections_reserved: Option<String>,
    /// The types that globals may have. If empty, all types are allowed.
    pub global_types: Vec<String>,
    /// The instructions that the host rejects even though it supports their proposals.
    pub deny_instructions: Vec<String>,
    /// The limits.
    pub limits: BTreeMap<Limited, Limit>,
    /// Patterns for the imports that [`Policy::has`] checks. All other imports are assumed to be
    /// present. If empty, all imports are checked.
    only: Vec<Pattern>,
}

/// A function of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// The type of the function.
    pub ty: FunctionType,
    /// True if the start function may call this function. If this is false for all functions of a
    /// policy, the start function may call any of them.
    pub start: bool,
}

/// A pattern for allowed imports.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The pattern.
    pub glob: Glob,
    /// True if the user wrote the pattern. Such a pattern causes a warning if it matches no import.
    pub own: bool,
}

/// Rules for exports.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Exports {
    /// The required exports, such as `_start = "() -> ()"` and `memory = "memory"`.
    pub required: BTreeMap<String, ExportType>,
    /// The prefix of interface exports. Each export with this prefix must be listed in `exact` or
    /// start with one of `methods`.
    pub prefix: Option<String>,
    /// The type that all interface exports must have, if there is such a rule.
    #[serde(rename = "type")]
    pub signature: Option<Sign>,
    /// The names of interface exports.
    pub exact: Vec<String>,
    /// The prefixes of interface exports whose names continue with a method name.
    pub methods: Vec<String>,
    /// The names that the host reserves.
    pub reserved: Vec<String>,
}

/// A value that can have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limited {
    /// The size of the module in bytes.
    Size,
    /// The size of the compressed module in bytes.
    GzipSize,
    /// The size of the code section in bytes.
    CodeSize,
    /// The size of the data section in bytes.
    DataSize,
    /// The number of defined functions.
    Functions,
    /// The number of imports.
    Imports,
    /// The number of globals, including imported ones.
    Globals,
    /// The number of tables.
    Tables,
    /// The number of memories.
    Memories,
    /// The initial size of the largest memory, in pages of 64 KiB.
    MemoryPages,
    /// The number of instructions in the largest function.
    FunctionInstructions,
    /// The complexity of the most complex function, a weighted sum of its instructions.
    FunctionComplexity,
    /// The number of custom sections.
    CustomSections,
    /// The total size of all custom sections in bytes, including their names.
    CustomSectionsSize,
    /// The number of exported methods.
    Methods,
    /// The total length of all exported method names in bytes.
    MethodNamesSize,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The largest accepted value.
    pub value: u64,
    /// The source of the limit.
    pub source: Option<String>,
}

/// A pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(pub Pattern);

/// A function type that is written as text, such as `(i32) -> i32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign(pub Signature);

impl Policy {
    /// Loads a built-in policy by name, or a policy file by path. A path contains a `/` or ends in
    /// `.toml`.
    ///
    /// # Errors
    /// When there is no built-in policy with this name, or the file cannot be read or is malformed.
    pub fn load(name: &str, cwd: &Utf8Path) -> anyhow::Result<Self> {
        if !pywasm_session::is_path(name) {
            return Self::builtin(name);
        }
        let path = cwd.join(name);
        let text = fs_err::read_to_string(&path)
            .with_context(|| format!("cannot read policy `{name}`"))?;
        let mut policy =
            Self::parse(&text, true).with_context(|| format!("`{name}` is not a policy"))?;
        if policy.name.is_empty() {
            name.clone_into(&mut policy.name);
        }
        Ok(policy)
    }

    /// Returns the names of the built-in policies, sorted.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, ..)| *name)
    }

    /// Returns the names of the values that can have a limit.
    pub fn limit_names() -> impl Iterator<Item = String> + fmt::Debug {
        Limited::ALL.iter().map(ToString::to_string)
    }

    fn builtin(name: &str) -> anyhow::Result<Self> {
        let found = BUILTIN.iter().find(|(known, ..)| *known == name);
        let (_, host, text) =
            found.with_context(|| format!("there is no built-in policy `{name}`")).hint(|| {
                let known: Vec<&str> = Self::builtin_names().collect();
                format!(
                    "the built-in policies are {}; a path contains `/` or ends in `.toml`",
                    known.join(", ")
                )
            })?;
        Ok(Self { host: *host, ..Self::parse(text, false)? })
    }

    /// Returns true if the host provides a function with this name, whatever its type.
    #[must_use]
    pub fn has(&self, module: &str, name: &str) -> bool {
        let import = format!("{module}.{name}");
        let is_checked = |it: &Pattern| it.matches(name) || it.matches(&import);
        if !self.only.is_empty() && !self.only.iter().any(is_checked) {
            return true;
        }
        !self.denies(&import) && (self.function(module, name).is_some() || self.allows(&import))
    }

    /// Returns the host's function with this name.
    #[must_use]
    pub fn function(&self, module: &str, name: &str) -> Option<&HostFunction> {
        self.functions.get(module)?.get(name)
    }

    /// Returns true if limits apply to a custom section with this name.
    #[must_use]
    pub fn counts_section(&self, name: &str) -> bool {
        let prefixes = &self.custom_sections;
        prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Returns true if a pattern denies the import `module.name`.
    #[must_use]
    pub fn denies(&self, import: &str) -> bool {
        self.deny.iter().any(|glob| glob.0.matches(import))
    }

    /// Returns true if a pattern allows the import `module.name`.
    #[must_use]
    pub fn allows(&self, import: &str) -> bool {
        self.allow.iter().any(|allowed| allowed.glob.0.matches(import))
    }

    /// Restricts [`Policy::has`] to imports that match one of these patterns. All other imports are
    /// assumed to be present. If there are no patterns, all imports are checked.
    pub fn restrict(&mut self, only: &[Pattern]) {
        self.only = only.to_vec();
    }

    /// Returns true if the policy lists the functions that the start function may call.
    #[must_use]
    pub fn restricts_start(&self) -> bool {
        self.functions.values().flat_map(BTreeMap::values).any(|function| function.start)
    }
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

    /// Formats a value with its unit: `1 section`, `812 functions`.
    #[must_use]
    pub fn count(self, value: u64) -> String {
        let (one, many) = match self {
            Self::Size => ("byte, uncompressed", "bytes, uncompressed"),
            Self::GzipSize => ("byte, compressed", "bytes, compressed"),
            Self::CodeSize | Self::DataSize | Self::CustomSectionsSize | Self::MethodNamesSize => {
                ("byte", "bytes")
            }
            Self::Functions => ("function", "functions"),
            Self::Imports => ("import", "imports"),
            Self::Globals => ("global", "globals"),
            Self::Tables => ("table", "tables"),
            Self::Memories => ("memory", "memories"),
            Self::MemoryPages => ("initial page", "initial pages"),
            Self::FunctionInstructions => ("instruction", "instructions"),
            Self::FunctionComplexity => ("weighted instruction", "weighted instructions"),
            Self::CustomSections => ("section", "sections"),
            Self::Methods => ("method", "methods"),
        };
        format!("{value} {}", if value == 1 { one } else { many })
    }
}

/// Writes the limit's key in policy files, such as `code-size`.
impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
