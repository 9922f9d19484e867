//! Whether a host has what a recipe lets the compiler use.

use pywasm_recipes::Feature;
use wasmparser::WasmFeatures;

use super::Policy;

impl Policy {
    /// Those of these that its host does not have; none where it does not list what it has.
    pub fn lacks<'a>(&self, asked: &'a [Feature]) -> impl Iterator<Item = &'a Feature> {
        let has = self.features.unwrap_or(WasmFeatures::all());
        asked.iter().filter(move |feature| !has.contains(proposal(**feature)))
    }
}

/// LLVM and wasmparser name some of them otherwise.
const fn proposal(feature: Feature) -> WasmFeatures {
    match feature {
        Feature::BulkMemory => WasmFeatures::BULK_MEMORY,
        Feature::ExtendedConst => WasmFeatures::EXTENDED_CONST,
        Feature::Multivalue => WasmFeatures::MULTI_VALUE,
        Feature::MutableGlobals => WasmFeatures::MUTABLE_GLOBAL,
        Feature::NontrappingFptoint => WasmFeatures::SATURATING_FLOAT_TO_INT,
        Feature::ReferenceTypes => WasmFeatures::REFERENCE_TYPES,
        Feature::RelaxedSimd => WasmFeatures::RELAXED_SIMD,
        Feature::SignExt => WasmFeatures::SIGN_EXTENSION,
        Feature::Simd128 => WasmFeatures::SIMD,
        Feature::TailCall => WasmFeatures::TAIL_CALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_lists_what_it_has_lacks_the_rest() {
        let asked = [Feature::Simd128, Feature::TailCall, Feature::SignExt, Feature::RelaxedSimd];
        let lacks = |name: &str| {
            let policy = Policy::load(name, "/".into()).unwrap();
            policy.lacks(&asked).copied().collect::<Vec<_>>()
        };
        assert_eq!(lacks("ic"), [Feature::TailCall, Feature::RelaxedSimd]);
        assert_eq!(lacks("wasip1"), [], "its hosts differ, and it lists nothing");
    }
}
