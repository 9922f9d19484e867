//! Parses and validates policy files.

use std::collections::BTreeMap;

use anyhow::Context;
use glob::Pattern;
use pywasm_session::WithHint;
use serde::{Deserialize, Deserializer, de};

use super::{Allowed, Exports, FunctionType, Glob, HostFunction, Limit, Limited, Policy, Sign};

/// The instructions that modify a wasm table.
const TABLE_CHANGES: [&str; 5] =
    ["table.copy", "table.fill", "table.grow", "table.init", "table.set"];

/// The version of the policy format.
const SCHEMA: u32 = 1;

/// The content of a policy file.
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
    #[serde(default)]
    global_types: Vec<String>,
    #[serde(default)]
    deny_instructions: Vec<String>,
    exports: Option<Exports>,
    custom_sections: Option<CustomSections>,
    #[serde(default)]
    limits: BTreeMap<Limited, LimitEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomSections {
    prefixes: Vec<String>,
    reserved: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum FunctionEntry {
    Type(FunctionType),
    Whole {
        #[serde(rename = "type")]
        ty: FunctionType,
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
    /// Parses a policy. `own` is true for a policy that the user wrote.
    ///
    /// # Errors
    /// When the text is not TOML in this format, or a value is invalid.
    pub fn parse(text: &str, own: bool) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        anyhow::ensure!(
            file.schema == SCHEMA,
            "the schema is {}, but this tool reads only schema {SCHEMA}",
            file.schema
        );
        let mut policy = match &file.extends {
            Some(name) => {
                let base = Self::builtin(name).context("`extends`")?;
                Self { host: base.host.extended(), ..base }
            }
            None => Self::default(),
        };
        policy.name = file.name.unwrap_or_default();
        for (module, functions) in file.functions {
            let known = policy.functions.entry(module).or_default();
            for (name, entry) in functions {
                let (ty, start) = match entry {
                    FunctionEntry::Type(ty) => (ty, false),
                    FunctionEntry::Whole { ty, start } => (ty, start),
                };
                known.insert(name, HostFunction { ty, start });
            }
        }
        policy.allow.extend(file.allow.into_iter().map(|glob| Allowed { glob, own }));
        policy.deny.extend(file.deny);
        policy.global_types.extend(file.global_types);
        for name in &file.deny_instructions {
            anyhow::ensure!(
                TABLE_CHANGES.contains(&name.as_str()),
                "`{name}` cannot be denied; the instructions that can be denied are {}",
                TABLE_CHANGES.join(", ")
            );
        }
        policy.deny_instructions.extend(file.deny_instructions);
        policy.memory_from.extend(file.import_memory_from);
        policy.table_from.extend(file.import_table_from);
        if let Some(names) = file.features {
            policy.features = Some(features(&names)?);
        }
        if let Some(exports) = file.exports {
            policy.exports.add(exports);
        }
        if let Some(sections) = file.custom_sections {
            policy.custom_sections = sections.prefixes;
            policy.custom_sections_reserved = sections.reserved;
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
}

impl Exports {
    /// Adds the rules of a policy that extends this one. Lists are appended, and single values are
    /// replaced.
    fn add(&mut self, own: Self) {
        self.required.extend(own.required);
        self.exact.extend(own.exact);
        self.methods.extend(own.methods);
        self.reserved.extend(own.reserved);
        self.prefix = own.prefix.or(self.prefix.take());
        self.signature = own.signature.or(self.signature.take());
    }
}

/// Returns wasmparser's flags for these proposals. The names are wasmparser's own, in kebab-case.
fn features(names: &[String]) -> anyhow::Result<wasmparser::WasmFeatures> {
    let mut all = wasmparser::WasmFeatures::empty();
    for name in names {
        let flag = wasmparser::WasmFeatures::from_name(&name.to_uppercase().replace('-', "_"));
        all |= flag.with_context(|| format!("there is no proposal `{name}`")).hint(|| {
            let flags = wasmparser::WasmFeatures::all();
            let known = flags.iter_names().map(|(name, _)| name.to_lowercase().replace('_', "-"));
            format!("the known proposals are {}", known.collect::<Vec<_>>().join(", "))
        })?;
    }
    // wasmparser requires this flag for any reference type, including the `funcref` of WebAssembly
    // 1.0.
    Ok(all | wasmparser::WasmFeatures::GC_TYPES)
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
