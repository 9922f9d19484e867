//! How much a module has of what can have a limit.

use pywasm_wasm::{Largest, Module};

use super::check::Given;
use super::policy::{Limited, Policy};

/// How much there is of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Of what.
    pub what: Limited,
    /// How much, in its unit.
    pub value: u64,
    /// The most that the policy takes.
    pub limit: Option<u64>,
}

impl Figure {
    /// How much of the limit that is, in tenths of a per cent; more than 1000 is too much.
    #[must_use]
    pub fn permille(&self) -> Option<u64> {
        let limit = self.limit.filter(|limit| *limit > 0)?;
        Some(self.value.saturating_mul(1000) / limit)
    }
}

/// What a module has of each thing that can have a limit, in the order of [`Limited`]. Code is read
/// for it.
///
/// # Errors
/// When code is broken.
pub fn figures(
    module: &Module<'_>,
    given: Given<'_>,
    policy: &Policy,
) -> anyhow::Result<Vec<Figure>> {
    let largest = Largest::read(module)?;
    let mut values = outside(module, given, policy);
    values.push((Limited::FunctionInstructions, largest.instructions.1));
    values.push((Limited::FunctionComplexity, largest.complexity.1));
    values.sort_unstable();
    let figure = |(what, value)| {
        let limit = policy.limits.get(&what).map(|limit| limit.value);
        Figure { what, value, limit }
    };
    Ok(values.into_iter().map(figure).collect())
}

/// What is told without a look into functions.
pub(super) fn outside(
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
    fn a_figure_says_how_much_of_its_limit_it_is() {
        let bytes = wat::parse_str(
            r#"(module (func $f nop) (export "canister_query a" (func $f))
                (export "canister_update a" (func $f)) (export "memory" (memory 0)) (memory 1))"#,
        );
        let bytes = bytes.unwrap();
        let policy = Policy::load("ic", "".into()).unwrap();
        let module = Module::read(&bytes).unwrap();
        let all = figures(&module, Given::default(), &policy).unwrap();
        let of = |what| *all.iter().find(|it| it.what == what).unwrap();
        // One name, whatever it is exported as.
        assert_eq!((of(Limited::Methods).value, of(Limited::Methods).permille()), (1, Some(1)));
        assert_eq!(of(Limited::Memories).permille(), Some(1000));
        assert_eq!(of(Limited::FunctionInstructions).value, 2);
        assert_eq!(
            (of(Limited::MemoryPages).value, of(Limited::MemoryPages).permille()),
            (1, None)
        );
        assert!(all.iter().all(|it| it.what != Limited::GzipSize), "nothing is compressed");
        assert!(all.is_sorted_by_key(|it| it.what));
    }
}
