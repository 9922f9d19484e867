//! An audit takes a few times the file's size in memory and no more, whatever is in the file: a small
//! file can't claim much, and a large one can be audited in CI.

use peak_alloc::PeakAlloc;
use pywasm_audit::{self as audit, Given, Policy};
use pywasm_size::{self as size, Evidence};
use pywasm_wasm::Module;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// As many times a file's size, for files of nothing but what is shortest to write: an import takes
/// four bytes of a file, and names, places and a kind of memory. Real modules take less than their
/// size.
const MOST: usize = 20;

/// What a validator may take for the types of a file that has as many as it can.
const VALIDATED: usize = 128 << 20;

/// A module with very many of one thing, each as short as it can be.
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

/// One test: the allocator counts for the whole process.
#[test]
fn audit_memory_is_proportional_to_the_file() {
    let policies = ["wasip1", "none", "ic"];
    let policies = policies.map(|name| Policy::load(name, "".into()).expect("a policy"));
    for (what, text) in modules() {
        let bytes = wat::parse_str(format!("(module {text})")).expect("a module");
        for policy in &policies {
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            let module = Module::read(&bytes).expect("a module");
            let findings = audit::module(&module, Given::default(), policy).expect("an audit");
            let taken = MEMORY.peak_usage().saturating_sub(before);
            // Findings are the answer: 10,000 imports are told one by one, and no more.
            assert!(findings.len() <= 10_001, "{what} by {}: {}", policy.name, findings.len());
            let answer = findings.len() * 1024;
            let times = taken.saturating_sub(answer) / bytes.len();
            println!("{what} by {}: {taken} for {}, {times} times", policy.name, bytes.len());
            // Validation keeps types of its own, within the limits of all engines.
            let validated = policy.features.is_some() && taken <= VALIDATED;
            let told = format!("{what} by {}: {taken} for {}", policy.name, bytes.len());
            assert!(times <= MOST || validated, "{told}");
        }
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let all = size::measure(&bytes, Evidence::default()).expect("a breakdown");
        let taken = MEMORY.peak_usage().saturating_sub(before);
        assert_eq!(all.total, bytes.len() as u64);
        println!("{what} measured: {taken} for {}", bytes.len());
        assert!(taken / bytes.len() <= MOST, "{what} measured: {taken} for {}", bytes.len());
    }
}
