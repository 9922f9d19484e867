//! Tests that an audit never needs more memory than a small multiple of the file's size, whatever
//! the file contains.

use peak_alloc::PeakAlloc;
use pywasm_audit::{self as audit, Given, Policy};
use pywasm_size::{self as size, Evidence};
use pywasm_wasm::Module;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The limit, as a multiple of the file's size. The files in this test contain only the shortest
/// possible items. An import, for example, takes four bytes in the file, but a name, an offset and
/// a kind in memory. For real modules, the audit needs less memory than the file's size.
const MAX_TIMES: usize = 20;

/// The number of bytes that the validator may use for a file that contains as many types as
/// possible.
const MAX_VALIDATION: usize = 128 << 20;

/// Returns wasm modules that contain very many items of one kind, each item as short as possible.
fn modules() -> Vec<(&'static str, String)> {
    let many = |count: usize, text: &str| text.repeat(count);
    let exports: String =
        (0..60_000).map(|number| format!("(export \"{number:x}\" (func 0))")).collect();
    vec![
        ("types", many(200_000, "(type (func))")),
        ("long types", many(300, &format!("(type (func (param {})))", "i32 ".repeat(900)))),
        ("imports", many(200_000, "(import \"\" \"\" (func))")),
        ("functions", many(200_000, "(func)")),
        ("names", (0..100_000).map(|number| format!("(func $f{number:x})")).collect()),
        ("exports", format!("(func) {exports}")),
        ("custom sections", many(20_000, "(@custom \"\" \"\")")),
        (
            "table",
            format!("(table 1 funcref) (func) (elem (i32.const 0) {})", "0 ".repeat(300_000)),
        ),
        ("calls", format!("(func) (func (export \"run\") {})", "call 0 ".repeat(300_000))),
        ("callers", format!("(import \"a\" \"b\" (func)) {}", many(100_000, "(func call 0)"))),
        ("data", format!("(memory 1) (data (i32.const 0) \"{}\")", "x".repeat(2_000_000))),
    ]
}

/// This is the only test in this binary, because the allocator counts the allocations of the whole
/// process.
#[test]
fn audit_memory_is_proportional_to_the_file() {
    let policies = ["wasip1", "none", "ic"];
    let policies = policies.map(|name| Policy::load(name, "".into()).expect("a policy"));
    for (name, text) in modules() {
        let bytes = wat::parse_str(format!("(module {text})")).expect("a module");
        for policy in &policies {
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            let module = Module::read(&bytes).expect("a module");
            let findings = audit::module(&module, Given::default(), policy).expect("an audit");
            let taken = MEMORY.peak_usage().saturating_sub(before);
            // The findings are the result, so their memory is not counted. At most 10,000 imports
            // are reported one by one. One more finding reports how many others there are.
            assert!(findings.len() <= 10_001, "{name} by {}: {}", policy.name, findings.len());
            let answer = findings.len() * 1024;
            let times = taken.saturating_sub(answer) / bytes.len();
            // The validator keeps a copy of the types, so an audit that validates the module may
            // exceed `MAX_TIMES`. The validator's memory is still bounded, because all engines
            // limit the number of types.
            let validated = policy.features.is_some() && taken <= MAX_VALIDATION;
            let message = format!("{name} by {}: {taken} for {}", policy.name, bytes.len());
            assert!(times <= MAX_TIMES || validated, "{message}");
        }
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let all = size::measure(&bytes, Evidence::default()).expect("a breakdown");
        let taken = MEMORY.peak_usage().saturating_sub(before);
        assert_eq!(all.total, bytes.len() as u64);
        assert!(taken / bytes.len() <= MAX_TIMES, "{name} measured: {taken} for {}", bytes.len());
    }
}
