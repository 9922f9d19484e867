//! Finds a recipe's compiler features that a host does not support.

use pywasm_recipes::Feature;
use wasmparser::WasmFeatures;

use super::Policy;

impl Policy {
    /// Returns the features that the host does not support. If the policy lists no proposals, all
    /// features are supported.
    pub fn lacks<'a>(&self, features: &'a [Feature]) -> impl Iterator<Item = &'a Feature> {
        let supported = self.features.unwrap_or(WasmFeatures::all());
        features.iter().filter(move |feature| !supported.contains(proposal(**feature)))
    }
}

/// Returns the proposal that a compiler feature belongs to. LLVM and wasmparser use different names
/// for some proposals.
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
    fn unlisted_proposals_are_lacking() {
        let requested =
            [Feature::Simd128, Feature::TailCall, Feature::SignExt, Feature::RelaxedSimd];
        let lacks = |name: &str| {
            let policy = Policy::load(name, "/".into()).unwrap();
            policy.lacks(&requested).copied().collect::<Vec<_>>()
        };
        assert_eq!(lacks("ic"), [Feature::TailCall, Feature::RelaxedSimd]);
        assert_eq!(lacks("wasip1"), [], "the policy lists no proposals");
    }
}
