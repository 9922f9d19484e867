//! What a host gives a module, and what it takes: a policy, from TOML.
//!
//! The format is described in `docs/guide/audit.md`. Policies that are built in are files of
//! `policies/`; a user's own may start from one of them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context;
use camino::Utf8Path;
use glob::Pattern;
use pywasm_stubs::Signature;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::reporter::WithHint;

/// The policies that are built in, by name, sorted.
const BUILTIN: [(&str, &str); 3] = [
    ("ic", include_str!("../../policies/ic.toml")),
    ("none", include_str!("../../policies/none.toml")),
    ("wasip1", include_str!("../../policies/wasip1.toml")),
];

/// The one that counts where none is named.
pub const DEFAULT: &str = "wasip1";

/// The newest format that is read.
const SCHEMA: u32 = 1;

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
    /// What has a limit.
    pub limits: BTreeMap<Limited, Limit>,
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

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    schema: u32,
    name: Option<String>,
    #[serde(rename = "about")]
    _about: Option<String>,
    extends: Option<String>,
    #[serde(default)]
    functions: BTreeMap<String, BTreeMap<String, FunctionEntry>>,
    #[serde(default)]
    allow: Vec<Glob>,
    #[serde(default)]
    deny: Vec<Glob>,
    #[serde(default)]
    import_memory_from: Vec<String>,
    #[serde(default)]
    import_table_from: Vec<String>,
    features: Option<Vec<String>>,
    exports: Option<Exports>,
    custom_sections: Option<CustomSections>,
    #[serde(default)]
    limits: BTreeMap<Limited, LimitEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomSections {
    prefixes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum FunctionEntry {
    Type(Sign),
    Whole {
        #[serde(rename = "type")]
        signature: Sign,
        start: bool,
    },
}

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum LimitEntry {
    Value(u64),
    Whole { value: u64, source: String },
}

impl Policy {
    /// The policy of a name or of a path: anything with a `/` or the ending `.toml` is a path.
    ///
    /// # Errors
    /// When there is none of that name, or the file is not one.
    pub fn load(name: &str, cwd: &Utf8Path) -> anyhow::Result<Self> {
        if !crate::config::is_path(name) {
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

    /// Reads a policy; `own` says whether it is the user's.
    ///
    /// # Errors
    /// When it is not TOML of this form.
    pub fn parse(text: &str, own: bool) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        anyhow::ensure!(
            file.schema == SCHEMA,
            "its schema is {}; this version reads {SCHEMA}",
            file.schema
        );
        let mut policy = match &file.extends {
            Some(name) => Self::builtin(name).context("`extends`")?,
            None => Self::default(),
        };
        policy.name = file.name.unwrap_or_default();
        for (module, functions) in file.functions {
            let known = policy.functions.entry(module).or_default();
            for (name, entry) in functions {
                let (signature, start) = match entry {
                    FunctionEntry::Type(Sign(signature)) => (signature, false),
                    FunctionEntry::Whole { signature: Sign(signature), start } => {
                        (signature, start)
                    }
                };
                known.insert(name, HostFunction { signature, start });
            }
        }
        policy.allow.extend(file.allow.into_iter().map(|glob| Allowed { glob, own }));
        policy.deny.extend(file.deny);
        policy.memory_from.extend(file.import_memory_from);
        policy.table_from.extend(file.import_table_from);
        if let Some(names) = file.features {
            policy.features = Some(features(&names)?);
        }
        if let Some(exports) = file.exports {
            exports.check()?;
            policy.exports = exports;
        }
        if let Some(sections) = file.custom_sections {
            policy.custom_sections = sections.prefixes;
        }
        for (name, entry) in file.limits {
            let limit = match entry {
                LimitEntry::Value(value) => Limit { value, source: None },
                LimitEntry::Whole { value, source } => Limit { value, source: Some(source) },
            };
            policy.limits.insert(name, limit);
        }
        Ok(policy)
    }

    /// Whether the host has a function, of whatever type.
    #[must_use]
    pub fn has(&self, module: &str, name: &str) -> bool {
        let import = format!("{module}.{name}");
        !self.deny.iter().any(|glob| glob.0.matches(&import))
            && (self.functions.get(module).is_some_and(|known| known.contains_key(name))
                || self.allow.iter().any(|allowed| allowed.glob.0.matches(&import)))
    }

    /// Whether any function is marked for the start function.
    #[must_use]
    pub fn restricts_start(&self) -> bool {
        self.functions.values().flat_map(BTreeMap::values).any(|function| function.start)
    }
}

impl Exports {
    fn check(&self) -> anyhow::Result<()> {
        for (name, kind) in &self.required {
            anyhow::ensure!(
                is_kind(kind) || kind.parse::<Signature>().is_ok(),
                "required export `{name}` is `{kind}`: neither a function's type, as \
                 `(i32) -> i32`, nor one of function, memory, table, global"
            );
        }
        Ok(())
    }
}

/// Whether a text is the kind of an export rather than a function's type.
pub(super) fn is_kind(text: &str) -> bool {
    matches!(text, "function" | "memory" | "table" | "global")
}

/// wasmparser's flags of these names, in the spelling of the proposals.
fn features(names: &[String]) -> anyhow::Result<wasmparser::WasmFeatures> {
    let mut all = wasmparser::WasmFeatures::empty();
    for name in names {
        let flag = wasmparser::WasmFeatures::from_name(&name.to_uppercase().replace('-', "_"));
        all |= flag.with_context(|| format!("there is no proposal `{name}`")).hint(|| {
            let flags = wasmparser::WasmFeatures::all();
            let known = flags.iter_names().map(|(name, _)| name.to_lowercase().replace('_', "-"));
            format!("known are {}", known.collect::<Vec<_>>().join(", "))
        })?;
    }
    // Values of types: what every module since the first version may have.
    Ok(all | wasmparser::WasmFeatures::GC_TYPES)
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
            Self::FunctionComplexity => "for blocks, branches and calls",
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

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pattern::new(&text).map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Sign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}
