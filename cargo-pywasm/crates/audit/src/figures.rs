//! The sizes and counts that a policy can limit.

use pywasm_wasm::{Largest, Module};

use crate::check::Given;
use crate::policy::{Limited, Policy};

/// A value and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The kind of value.
    pub what: Limited,
    /// The value. Its unit depends on `what`.
    pub value: u64,
    /// The limit, if the policy has one.
    pub limit: Option<u64>,
}

impl Figure {
    /// Returns the value in thousandths of the limit, or `None` if there is no limit.
    #[must_use]
    pub fn permille(&self) -> Option<u64> {
        let limit = self.limit.filter(|limit| *limit > 0)?;
        Some(self.value.saturating_mul(1000) / limit)
    }
}

/// Returns all values of a module, in the order of [`Limited`]. This decodes all functions.
///
/// # Errors
/// When a function body is malformed.
pub fn figures(
    module: &Module<'_>,
    given: Given<'_>,
    policy: &Policy,
) -> anyhow::Result<Vec<Figure>> {
    let largest = Largest::read(module)?;
    let mut values = without_code(module, given, policy);
    values.push((Limited::FunctionInstructions, largest.instructions.1));
    values.push((Limited::FunctionComplexity, largest.complexity.1));
    values.sort_unstable();
    let figure = |(what, value)| {
        let limit = policy.limits.get(&what).map(|limit| limit.value);
        Figure { what, value, limit }
    };
    Ok(values.into_iter().map(figure).collect())
}

/// Returns the values that are known without decoding functions.
pub(crate) fn without_code(
    module: &Module<'_>,
    given: Given<'_>,
    policy: &Policy,
) -> Vec<(Limited, u64)> {
    let sizes = module.sizes;
    let custom: Vec<usize> = module
        .custom()
        .filter(|(name, _)| policy.counts_section(name))
        .map(|(name, size)| name.len() + size)
        .collect();
    let kinds = &policy.exports.methods;
    let mut methods: Vec<&str> = module
        .exports
        .iter()
        .filter(|export| !policy.exports.reserved.iter().any(|name| name == export.name))
        .filter_map(|export| kinds.iter().find_map(|kind| export.name.strip_prefix(kind.as_str())))
        .collect();
    methods.sort_unstable();
    methods.dedup();
    let mut values = vec![
        (Limited::Size, module.bytes.len()),
        (Limited::CodeSize, sizes.code),
        (Limited::DataSize, sizes.data),
        (Limited::Functions, module.bodies.len()),
        (Limited::Imports, module.imports.len()),
        (Limited::Globals, sizes.globals),
        (Limited::Tables, sizes.tables),
        (Limited::Memories, sizes.memories),
        (Limited::CustomSections, custom.len()),
        (Limited::CustomSectionsSize, custom.iter().sum()),
        (Limited::Methods, methods.len()),
        (Limited::MethodNamesSize, methods.iter().map(|name| name.len()).sum()),
    ];
    values.extend(given.compressed.map(|size| (Limited::GzipSize, size)));
    let mut values: Vec<(Limited, u64)> =
        values.into_iter().map(|(what, value)| (what, value as u64)).collect();
    values.push((Limited::MemoryPages, sizes.pages));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_is_a_part_of_its_limit() {
        let bytes = wat::parse_str(
            r#"(module (func $f nop) (export "canister_query a" (func $f))
                (export "canister_update a" (func $f)) (export "memory" (memory 0)) (memory 1))"#,
        );
        let bytes = bytes.unwrap();
        let policy = Policy::load("ic", "".into()).unwrap();
        let module = Module::read(&bytes).unwrap();
        let all = figures(&module, Given::default(), &policy).unwrap();
        let of = |what| *all.iter().find(|it| it.what == what).unwrap();
        // An update method and a query method with the same name count as one.
        assert_eq!((of(Limited::Methods).value, of(Limited::Methods).permille()), (1, Some(1)));
        assert_eq!(of(Limited::Memories).permille(), Some(1000));
        assert_eq!(of(Limited::FunctionInstructions).value, 2);
        assert_eq!(
            (of(Limited::MemoryPages).value, of(Limited::MemoryPages).permille()),
            (1, None)
        );
        assert!(all.iter().all(|it| it.what != Limited::GzipSize), "the module was not compressed");
        assert!(all.is_sorted_by_key(|it| it.what));
    }
}
