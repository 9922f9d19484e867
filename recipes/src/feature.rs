//! Proposals of WebAssembly that a build may use beyond what its compiler uses by itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A proposal, by the name that LLVM gives it. Source: `llvm/lib/Target/WebAssembly/WebAssembly.td`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Copies and fills of memory in one instruction.
    BulkMemory,
    /// Arithmetic in constant expressions.
    ExtendedConst,
    /// Functions and blocks with several results.
    Multivalue,
    /// Globals that change, imported and exported.
    MutableGlobals,
    /// Conversions of floating point numbers that do not trap.
    NontrappingFptoint,
    /// Tables and references as values.
    ReferenceTypes,
    /// SIMD whose results may differ between machines.
    RelaxedSimd,
    /// Instructions that extend the sign.
    SignExt,
    /// Vectors of 128 bits.
    Simd128,
    /// Calls in tail position that take no stack.
    TailCall,
}

impl Feature {
    /// The name that LLVM gives it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BulkMemory => "bulk-memory",
            Self::ExtendedConst => "extended-const",
            Self::Multivalue => "multivalue",
            Self::MutableGlobals => "mutable-globals",
            Self::NontrappingFptoint => "nontrapping-fptoint",
            Self::ReferenceTypes => "reference-types",
            Self::RelaxedSimd => "relaxed-simd",
            Self::SignExt => "sign-ext",
            Self::Simd128 => "simd128",
            Self::TailCall => "tail-call",
        }
    }

    /// The compiler flag, `-msimd128` for instance.
    #[must_use]
    pub fn flag(self) -> String {
        format!("-m{}", self.name())
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_written_as_its_flag_names_it() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Table {
            features: Vec<Feature>,
        }
        let table = Table { features: vec![Feature::NontrappingFptoint, Feature::Simd128] };
        let text = toml::to_string(&table).unwrap();
        assert_eq!(text, "features = [\"nontrapping-fptoint\", \"simd128\"]\n");
        assert_eq!(toml::from_str::<Table>(&text).unwrap(), table);
        for feature in table.features {
            assert!(text.contains(feature.flag().trim_start_matches("-m")));
        }
    }
}
