//! Garbage collection: removes unreachable parts of a module.

use anyhow::Context;
use glob::Pattern;
use walrus::Module;

use super::emit::emit;

/// Patterns that match the exports of ic-wasi-polyfill. These exports exist only to keep the linker
/// from removing functions. No host calls them, but while they exist, all code that they reach
/// stays in the module.
///
/// Source: the functions with `#[no_mangle]` in ic-wasi-polyfill 0.13.1. Its dependency stable-fs
/// 0.13.1 has no such functions.
pub const POLYFILL_EXPORTS: [&str; 4] = ["__ic_custom_*", "init_seed", "raw_init", "raw_init_seed"];

/// A module after garbage collection.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The module.
    pub module: Vec<u8>,
    /// The removed exports, sorted.
    pub exports: Vec<String>,
    /// The number of removed functions, including imported functions.
    pub functions: usize,
    /// The number of removed data segments.
    pub segments: usize,
    /// The number of removed types, globals, tables, memories, tags and element segments.
    pub others: usize,
}

impl Collected {
    /// Returns true if anything was removed.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.exports.is_empty() || self.functions + self.segments + self.others > 0
    }
}

/// Removes exports that match a pattern, then everything that is unreachable from the remaining
/// exports, the start function, tables and active segments. A module with nothing to remove is
/// returned unchanged, so that a second run changes nothing.
///
/// Debug information is removed from a changed module, because its offsets would be wrong.
///
/// # Errors
/// When the module is malformed, or a pattern is invalid.
pub fn gc(bytes: &[u8], unwanted: &[&str]) -> anyhow::Result<Collected> {
    let patterns: Vec<Pattern> =
        unwanted.iter().map(|it| Pattern::new(it)).collect::<Result<_, _>>()?;
    let mut module = Module::from_buffer(bytes).context("the module cannot be parsed")?;
    let is_unwanted = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
    let removed = module.exports.iter().filter(|export| is_unwanted(&export.name));
    let (ids, mut exports): (Vec<_>, Vec<String>) =
        removed.map(|export| (export.id(), export.name.clone())).unzip();
    exports.sort();
    for id in ids {
        module.exports.delete(id);
    }
    let before = Count::of(&module);
    walrus::passes::gc::run(&mut module);
    let after = Count::of(&module);
    let mut collected = Collected {
        module: Vec::new(),
        exports,
        functions: before.functions - after.functions,
        segments: before.segments - after.segments,
        others: before.others - after.others,
    };
    collected.module = if collected.is_changed() { emit(&mut module)? } else { bytes.to_vec() };
    Ok(collected)
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

    /// A module with polyfill functions that are reachable only because they are exported.
    const MODULE: &str = r#"(module
        (import "ic0" "time" (func $time (result i64)))
        (import "ic0" "debug_print" (func $print (param i32 i32)))
        (memory (export "memory") 1)
        (global $unused i32 (i32.const 7))
        (data $kept (i32.const 0) "kept")
        (data $passive "unused")
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
    fn polyfill_exports_are_removed_with_their_code() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let collected = gc(&bytes, &POLYFILL_EXPORTS).unwrap();
        assert_eq!(collected.exports, ["__ic_custom_clock_time_get", "raw_init"]);
        assert_eq!(exports(&collected.module), ["memory", "canister_query ask", "_initialize"]);
        // The removed functions are `__ic_custom_clock_time_get`, `raw_init`, `clock` and the
        // import `time`.
        assert_eq!((collected.functions, collected.segments), (4, 1));
        let module = pywasm_wasm::Module::read(&collected.module).unwrap();
        assert_eq!(module.imports.iter().map(|it| it.name).collect::<Vec<_>>(), ["debug_print"]);
        assert!(collected.module.windows(4).any(|bytes| bytes == b"kept"));
    }

    #[test]
    fn exports_are_kept_without_patterns() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let collected = gc(&bytes, &[]).unwrap();
        assert_eq!((collected.exports.len(), exports(&collected.module).len()), (0, 5));
        assert!(collected.is_changed(), "the passive segment and the global are unused");
    }

    #[test]
    fn collected_module_is_unchanged() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let once = gc(&bytes, &POLYFILL_EXPORTS).unwrap().module;
        let again = gc(&once, &POLYFILL_EXPORTS).unwrap();
        assert!(!again.is_changed() && again.module == once);
        // Even a module that another tool wrote is returned unchanged.
        let clean = wat::parse_str(r#"(module (func (export "f")) (@custom "x" "y"))"#).unwrap();
        assert_eq!(gc(&clean, &POLYFILL_EXPORTS).unwrap().module, clean);
    }

    /// A function that `ref.func` references must be declared outside of function bodies, for
    /// example by an export. If the export is removed, another declaration must be added.
    #[test]
    fn reference_to_a_former_export_stays_valid() {
        let bytes = wat::parse_str(
            r#"(module (table $t 1 funcref)
                (func $own (export "raw_init") (param i32 i32))
                (func (export "run") i32.const 0 ref.func $own table.set $t))"#,
        );
        let once = gc(&bytes.unwrap(), &POLYFILL_EXPORTS).unwrap().module;
        assert_eq!(exports(&once), ["run"]);
        assert!(gc(&once, &POLYFILL_EXPORTS).unwrap().module == once);
    }

    /// The linker writes table indices into data, where no tool can find them.
    #[test]
    fn table_indices_in_data_stay_valid() {
        let bytes = wat::parse_str(
            r#"(module
                (type $f (func (result i32)))
                (table 4 4 funcref)
                (elem (i32.const 1) $one $two $three)
                (memory (export "memory") 1)
                (data (i32.const 0) "\02\00\00\00")
                (func (export "raw_init") (param i32 i32))
                (func $unused (result i32) i32.const 0)
                (func $one (result i32) i32.const 1)
                (func $two (export "two") (result i32) i32.const 2)
                (func $three (result i32) i32.const 3)
                (func (export "run") (result i32)
                    i32.const 0 i32.load call_indirect (type $f)))"#,
        );
        let collected = gc(&bytes.unwrap(), &POLYFILL_EXPORTS).unwrap();
        assert_eq!(collected.functions, 2);
        let (mut items, mut two) = (Vec::new(), None);
        for payload in wasmparser::Parser::new(0).parse_all(&collected.module) {
            match payload.unwrap() {
                wasmparser::Payload::ElementSection(elements) => {
                    let element = elements.into_iter().next().unwrap().unwrap();
                    let wasmparser::ElementItems::Functions(functions) = element.items else {
                        panic!("not functions")
                    };
                    items = functions.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
                }
                wasmparser::Payload::ExportSection(exports) => {
                    let mut exports = exports.into_iter().map(Result::unwrap);
                    two = exports.find(|it| it.name == "two").map(|it| it.index);
                }
                _ => {}
            }
        }
        // The table begins with an empty element, so index 2 is the second function.
        assert_eq!((items.len(), Some(items[1])), (3, two));
    }

    #[test]
    fn malformed_module_is_refused() {
        let error = format!("{:#}", gc(b"\0asm\x01\0\0\0\x02\x01", &[]).unwrap_err());
        assert!(error.contains("the module cannot be parsed"), "{error}");
    }
}
