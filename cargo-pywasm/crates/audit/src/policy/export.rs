//! The types that a host requires of exports.

use std::fmt;
use std::str::FromStr;

use pywasm_stubs::Signature;
use pywasm_wasm::Extern;
use serde::{Deserialize, Deserializer, de};

/// The required type of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportType {
    /// A function with this signature.
    Signature(Signature),
    /// A function with any signature.
    Function,
    /// A memory.
    Memory,
    /// A table.
    Table,
    /// A global.
    Global,
}

impl ExportType {
    /// Returns true if an export has this type. If the export is a function,
    /// `signature` is its signature.
    pub(crate) fn fits(&self, export: &Extern, signature: Option<&Signature>) -> bool {
        match self {
            Self::Signature(required) => signature == Some(required),
            Self::Function => matches!(export, Extern::Function(_)),
            Self::Memory => *export == Extern::Memory,
            Self::Table => *export == Extern::Table,
            Self::Global => *export == Extern::Global,
        }
    }
}

impl fmt::Display for ExportType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(signature) => signature.fmt(f),
            Self::Function => f.write_str("function"),
            Self::Memory => f.write_str("memory"),
            Self::Table => f.write_str("table"),
            Self::Global => f.write_str("global"),
        }
    }
}

impl FromStr for ExportType {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "function" => Self::Function,
            "memory" => Self::Memory,
            "table" => Self::Table,
            "global" => Self::Global,
            _ => Self::Signature(text.parse().map_err(|_| {
                anyhow::anyhow!(
                    "`{text}` is neither a function type such as `(i32) -> i32` nor one of \
                     function, memory, table, global"
                )
            })?),
        })
    }
}

impl<'de> Deserialize<'de> for ExportType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["function", "memory", "table", "global", "(i32, i64) -> i32", "() -> ()"] {
            let parsed: ExportType = text.parse().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        assert!("tag".parse::<ExportType>().is_err());
    }

    #[test]
    fn signature_is_compared_and_a_kind_is_enough() {
        let signature: Signature = "(i32) -> i32".parse().unwrap();
        let function = Extern::Function(0);
        let exact = ExportType::Signature(signature.clone());
        assert!(exact.fits(&function, Some(&signature)));
        assert!(!exact.fits(&function, Some(&Signature::default())));
        assert!(!exact.fits(&Extern::Memory, None));
        assert!(ExportType::Function.fits(&function, Some(&Signature::default())));
        assert!(!ExportType::Function.fits(&Extern::Global, None));
    }
}
