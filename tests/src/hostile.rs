//! The readers of untrusted files, one function for each. Tests call them with modified valid
//! input, and the fuzzer (`tests/fuzz`) with generated input. No reader may panic, whatever the
//! input is.

use pywasm_audit::{self as audit, Baseline, Content, Given, Policy};
use pywasm_rewrite as rewrite;
use pywasm_size::report::{self, Measured};
use pywasm_size::{Breakdown, Budget, By, Diff, Evidence, LinkMap, Members, Record, View};
use pywasm_stubs::{Behaviour, Link, Object, Rules, Signature, TrapReporter};
use pywasm_wasm::{Module, custom};

/// A function that reads a file of one kind.
pub type Reader = fn(&[u8]);

/// All readers, each with the name of its fuzz target.
pub const READERS: [(&str, Reader); 13] = [
    ("object", object),
    ("archive", archive),
    ("content", content),
    ("module", module),
    ("rewrite", rewrite),
    ("policy", policy),
    ("rules", rules),
    ("baseline", baseline),
    ("size", size),
    ("link-map", link_map),
    ("size-record", size_record),
    ("size-budget", size_budget),
    ("signature", signature),
];

/// Reads a relocatable object, links it, and writes its stubs.
pub fn object(bytes: &[u8]) {
    if let Ok(object) = Object::read("object", bytes) {
        let mut link = Link::new();
        link.push(object, false);
        let closure = link.closure();
        let stubs = pywasm_stubs::stubs(&link, &closure, &Rules::default(), Some(Behaviour::Trap));
        if let Ok(stubs) = stubs {
            let archive = stubs.archive(TrapReporter::Wasi, Vec::new());
            assert!(
                pywasm_stubs::members("stubs", &archive).is_ok(),
                "the written stubs cannot be read"
            );
        }
    }
}

/// Reads an archive.
pub fn archive(bytes: &[u8]) {
    let _ = pywasm_stubs::members("archive", bytes);
}

/// Detects the kind of a file.
pub fn content(bytes: &[u8]) {
    let _ = Content::of("file", bytes.to_vec());
}

/// Audits a wasm module with the policies that check the most.
pub fn module(bytes: &[u8]) {
    if let Ok(module) = Module::read(bytes) {
        for name in ["ic", "none"] {
            let policy = Policy::load(name, "".into()).expect("built in");
            let _ = audit::module(&module, Given::default(), &policy);
        }
        // With limits of 0, every nonzero measurement is reported as a finding.
        let limits: String = Policy::limit_names().map(|name| format!("{name} = 0\n")).collect();
        let policy = Policy::parse(&format!("schema = 1\n[limits]\n{limits}"), true);
        let policy = policy.expect("a policy");
        let _ = audit::module(&module, Given::default(), &policy);
        let _ = audit::figures(&module, Given::default(), &policy);
        let cleared = custom::clear(bytes, custom::is_for_debuggers);
        let _ = cleared.map(|cleared| custom::clear(&cleared.module, |_| true));
    }
}

/// Rewrites a valid wasm module. An invalid module never reaches the rewriter, because the audit
/// refuses it first.
pub fn rewrite(bytes: &[u8]) {
    if wasmparser::validate(bytes).is_err() {
        return;
    }
    let policy = Policy::load("none", "".into()).expect("built in");
    let rules = Rules::default();
    if let Ok(done) =
        rewrite::stub(bytes, &policy, &rules, Some(Behaviour::Trap), TrapReporter::Wasi)
    {
        wasmparser::validate(&done.module).expect("a valid module stays valid");
    }
    if let Ok(collected) = rewrite::gc(bytes, &rewrite::POLYFILL_EXPORTS) {
        wasmparser::validate(&collected.module).expect("a valid module stays valid");
        let again =
            rewrite::gc(&collected.module, &rewrite::POLYFILL_EXPORTS).expect("a valid module");
        assert!(again.module == collected.module, "a second pass removes nothing");
    }
}

/// Reads a policy.
pub fn policy(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Policy::parse(text, true);
    }
}

/// Reads rules for stubs.
pub fn rules(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let mut rules = Rules::default();
        for line in text.lines() {
            let _ = rules.add_text(line);
        }
        let _ = rules.get(text);
    }
}

/// Reads a baseline of accepted findings.
pub fn baseline(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Baseline>(bytes);
}

/// Measures a wasm module. Checks that each view accounts for every byte, even after the
/// measurement has been written to a record and read back.
pub fn size(bytes: &[u8]) {
    if let Ok(all) = pywasm_size::measure(bytes, Evidence::default()) {
        accounts_for_all(&all, bytes.len());
        let record = Record::of(bytes, &all, true);
        let again = Record::parse("record".into(), record.text().as_bytes()).expect("a record");
        accounts_for_all(&again.breakdown(), bytes.len());
    }
    let mut members = Members::default();
    let _ = members.add("archive", bytes);
}

fn accounts_for_all(all: &Breakdown, size: usize) {
    assert_eq!(all.total, size as u64, "every byte is attributed");
    let one = Measured { file: "x.wasm".into(), all: all.clone(), diff: None };
    for by in By::all().iter().copied() {
        let sum: u64 = View::of(all, by).entries.iter().map(|entry| entry.bytes).sum();
        assert_eq!(sum, all.total, "by {by}");
    }
    let _ = report::table(&one, None, 5);
    let _ = report::html(&one, Some(all));
    assert!(Diff::of(all, all, By::Function).changes.is_empty());
}

/// Reads a link map, and measures a wasm module with it.
pub fn link_map(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(map) = LinkMap::read(text)
    {
        let evidence = Evidence { map: Some(&map), ..Evidence::default() };
        let all = pywasm_size::measure(MODULE, evidence).expect("a module");
        assert_eq!(all.total, MODULE.len() as u64);
    }
}

/// A wasm module that contains a function that does nothing, and four bytes of data at address
/// 1024.
const MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\
    \x0a\x05\x01\x03\0\x01\x0b\x0b\x0b\x01\0\x41\x80\x08\x0b\x04data";

/// Reads a saved breakdown.
pub fn size_record(bytes: &[u8]) {
    if Record::is(bytes)
        && let Ok(record) = Record::parse("record".into(), bytes)
    {
        let all = record.breakdown();
        let _ = View::of(&all, By::Origin);
        let _ = Diff::of(&Breakdown::default(), &all, By::Module);
        let mine = pywasm_size::measure(MODULE, Evidence::default()).expect("a module");
        let one = Measured { file: "x.wasm".into(), all: mine, diff: None };
        let _ = report::html(&one, Some(&all));
    }
}

/// Reads a size budget, which is a table from Cargo.toml converted to JSON.
pub fn size_budget(bytes: &[u8]) {
    if let Ok(budget) = serde_json::from_slice::<Budget>(bytes) {
        let all = pywasm_size::measure(MODULE, Evidence::default()).expect("a module");
        for over in budget.over(&all) {
            let _ = over.report(&all, Some(&all));
        }
        let _ = budget.unused_keys(&all);
    }
}

/// Reads a function type. Writing it again must produce the same text.
pub fn signature(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(signature) = text.parse::<Signature>()
    {
        assert_eq!(signature.to_string().parse(), Ok(signature));
    }
}
