//! What nothing leads to, taken out.

use anyhow::Context;
use glob::Pattern;
use walrus::Module;

use super::emit::emit;

/// What `ic-wasi-polyfill` exports so that the linker keeps it: no host calls any of these, and each
/// holds what it leads to.
///
/// Source: `#[no_mangle]` of ic-wasi-polyfill 0.13.1; stable-fs 0.13.1 has none.
pub const POLYFILL_EXPORTS: [&str; 4] = ["__ic_custom_*", "init_seed", "raw_init", "raw_init_seed"];

/// A module without what nothing leads to.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The module.
    pub module: Vec<u8>,
    /// The exports that were taken out, sorted.
    pub exports: Vec<String>,
    /// How many functions nothing leads to, imported ones among them.
    pub functions: usize,
    /// How many data segments.
    pub segments: usize,
    /// How many types, globals, tables, memories, tags and element segments.
    pub others: usize,
}

impl Swept {
    /// Whether anything was taken out.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.exports.is_empty() || self.functions + self.segments + self.others > 0
    }
}

/// Takes out exports of these names (a `*` stands for anything), then what neither an export nor the
/// start function, a table or an active segment leads to. A module that has nothing of the kind comes
/// out as it came in, so that doing it again changes nothing.
///
/// Debug information is left out of a module that is changed: its places would be wrong.
///
/// # Errors
/// When the module is broken, or a pattern is none.
pub fn gc(bytes: &[u8], unwanted: &[&str]) -> anyhow::Result<Swept> {
    let patterns: Vec<Pattern> =
        unwanted.iter().map(|it| Pattern::new(it)).collect::<Result<_, _>>()?;
    let mut module =
        Module::from_buffer(bytes).context("it is not a module that can be changed")?;
    let is_unwanted = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
    let gone = module.exports.iter().filter(|export| is_unwanted(&export.name));
    let (ids, mut exports): (Vec<_>, Vec<String>) =
        gone.map(|export| (export.id(), export.name.clone())).unzip();
    exports.sort();
    for id in ids {
        module.exports.delete(id);
    }
    let before = Count::of(&module);
    walrus::passes::gc::run(&mut module);
    let after = Count::of(&module);
    let mut swept = Swept {
        module: Vec::new(),
        exports,
        functions: before.functions - after.functions,
        segments: before.segments - after.segments,
        others: before.others - after.others,
    };
    swept.module = if swept.is_changed() { emit(&mut module)? } else { bytes.to_vec() };
    Ok(swept)
}

struct Count {
    functions: usize,
    segments: usize,
    others: usize,
}

impl Count {
    fn of(module: &Module) -> Self {
        Self {
            functions: module.funcs.iter().count(),
            segments: module.data.iter().count(),
            others: module.types.iter().count()
                + module.globals.iter().count()
                + module.tables.iter().count()
                + module.memories.iter().count()
                + module.tags.iter().count()
                + module.elements.iter().count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A polyfill's function whose export alone holds what it calls.
    const MODULE: &str = r#"(module
        (import "ic0" "time" (func $time (result i64)))
        (import "ic0" "debug_print" (func $print (param i32 i32)))
        (memory (export "memory") 1)
        (global $unused i32 (i32.const 7))
        (data $kept (i32.const 0) "kept")
        (data $passive "nobody reads this")
        (func $clock (result i64) call $time)
        (func (export "__ic_custom_clock_time_get") (result i64) call $clock)
        (func (export "raw_init") (param i32 i32))
        (func (export "canister_query ask") i32.const 0 i32.const 4 call $print)
        (func (export "_initialize")))"#;

    fn exports(bytes: &[u8]) -> Vec<String> {
        wasmparser::validate(bytes).unwrap();
        let module = pywasm_wasm::Module::read(bytes).unwrap();
        module.exports.iter().map(|it| it.name.to_owned()).collect()
    }

    #[test]
    fn exports_of_the_polyfill_go_with_what_only_they_lead_to() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let swept = gc(&bytes, &POLYFILL_EXPORTS).unwrap();
        assert_eq!(swept.exports, ["__ic_custom_clock_time_get", "raw_init"]);
        assert_eq!(exports(&swept.module), ["memory", "canister_query ask", "_initialize"]);
        // The two, what they call, and the import behind it.
        assert_eq!((swept.functions, swept.segments), (4, 1));
        let module = pywasm_wasm::Module::read(&swept.module).unwrap();
        assert_eq!(module.imports.iter().map(|it| it.name).collect::<Vec<_>>(), ["debug_print"]);
        assert!(swept.module.windows(4).any(|bytes| bytes == b"kept"));
    }

    #[test]
    fn without_patterns_every_export_stays() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let swept = gc(&bytes, &[]).unwrap();
        assert_eq!((swept.exports.len(), exports(&swept.module).len()), (0, 5));
        assert!(swept.is_changed(), "the passive segment and the global are nobody's");
    }

    #[test]
    fn a_module_that_is_swept_already_comes_out_as_it_came_in() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let once = gc(&bytes, &POLYFILL_EXPORTS).unwrap().module;
        let again = gc(&once, &POLYFILL_EXPORTS).unwrap();
        assert!(!again.is_changed() && again.module == once);
        // As another tool has written it.
        let clean = wat::parse_str(r#"(module (func (export "f")) (@custom "x" "y"))"#).unwrap();
        assert_eq!(gc(&clean, &POLYFILL_EXPORTS).unwrap().module, clean);
    }

    /// An export declares a function for `ref.func`; without it something else has to.
    #[test]
    fn a_reference_to_what_was_exported_stays_valid() {
        let bytes = wat::parse_str(
            r#"(module (table $t 1 funcref)
                (func $own (export "raw_init") (param i32 i32))
                (func (export "run") i32.const 0 ref.func $own table.set $t))"#,
        );
        let once = gc(&bytes.unwrap(), &POLYFILL_EXPORTS).unwrap().module;
        assert_eq!(exports(&once), ["run"]);
        assert!(gc(&once, &POLYFILL_EXPORTS).unwrap().module == once);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let error = format!("{:#}", gc(b"\0asm\x01\0\0\0\x02\x01", &[]).unwrap_err());
        assert!(error.contains("not a module that can be changed"), "{error}");
    }
}
