//! WebAssembly proposals that a build can enable beyond the compiler's defaults.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A WebAssembly proposal, under the name that LLVM uses. Source:
/// `llvm/lib/Target/WebAssembly/WebAssembly.td`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Instructions that copy and fill memory.
    BulkMemory,
    /// Arithmetic in constant expressions.
    ExtendedConst,
    /// Functions and blocks with multiple results.
    Multivalue,
    /// Import and export of mutable globals.
    MutableGlobals,
    /// Non-trapping conversions from floating point to integers.
    NontrappingFptoint,
    /// Reference types and multiple tables.
    ReferenceTypes,
    /// SIMD instructions whose results may differ between machines.
    RelaxedSimd,
    /// Sign extension instructions.
    SignExt,
    /// 128-bit SIMD.
    Simd128,
    /// Tail calls.
    TailCall,
}

impl Feature {
    /// Returns LLVM's name for the proposal.
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

    /// Returns the compiler flag, such as `-msimd128`.
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
    fn serialized_name_is_that_of_the_flag() {
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
