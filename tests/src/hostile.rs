//! What reads files that anyone may have written, each behind one function: for tests that change
//! valid input, and for the fuzzer (`tests/fuzz`). None of them may panic, whatever the bytes.

use cargo_pywasm::audit::{self, Baseline, Content, Given, Module, Policy};
use cargo_pywasm::rewrite::{self, custom};
use cargo_pywasm::snapshot::Form;
use pywasm_stubs::{Behaviour, Link, Object, Rules, Signature, Voice};

/// A reader.
pub type Reader = fn(&[u8]);

/// All of them, by the names of the fuzzer's targets.
pub const READERS: [(&str, Reader); 9] = [
    ("object", object),
    ("archive", archive),
    ("content", content),
    ("module", module),
    ("rewrite", rewrite),
    ("policy", policy),
    ("rules", rules),
    ("baseline", baseline),
    ("signature", signature),
];

/// A relocatable object, and a link of it.
pub fn object(bytes: &[u8]) {
    if let Ok(object) = Object::read("object", bytes) {
        let mut link = Link::new();
        link.push(object, false);
        let closure = link.closure();
        let stubs = pywasm_stubs::stubs(&link, &closure, &Rules::default(), Some(Behaviour::Trap));
        if let Ok(stubs) = stubs {
            let archive = stubs.archive(Voice::Wasi, Vec::new());
            assert!(pywasm_stubs::members("stubs", &archive).is_ok(), "stubs can be read");
        }
    }
}

/// An archive.
pub fn archive(bytes: &[u8]) {
    let _ = pywasm_stubs::members("archive", bytes);
}

/// A file of any kind.
pub fn content(bytes: &[u8]) {
    let _ = Content::of("file", bytes.to_vec());
}

/// A finished module, against the policy that looks at most of it, and one that explains most; and whether
/// a snapshot could be made of it.
pub fn module(bytes: &[u8]) {
    for init in [None, Some("init")] {
        let _ = Form::of(bytes, init);
    }
    if let Ok(module) = Module::read(bytes) {
        for name in ["ic", "none"] {
            let policy = Policy::load(name, "".into()).expect("built in");
            let _ = audit::module(&module, Given::default(), &policy);
        }
        // Whatever it has is too much, and is told with where it comes from.
        let limits: String = Policy::limit_names().map(|name| format!("{name} = 0\n")).collect();
        let policy = Policy::parse(&format!("schema = 1\n[limits]\n{limits}"), true);
        let policy = policy.expect("a policy");
        let _ = audit::module(&module, Given::default(), &policy);
        let _ = audit::figures(&module, Given::default(), &policy);
        let cleared = custom::clear(bytes, custom::debugger);
        let _ = cleared.map(|cleared| custom::clear(&cleared.module, |_| true));
    }
}

/// A finished module that is changed: valid ones only, as the audit has seen them.
pub fn rewrite(bytes: &[u8]) {
    if wasmparser::validate(bytes).is_err() {
        return;
    }
    let policy = Policy::load("none", "".into()).expect("built in");
    let rules = Rules::default();
    if let Ok(done) = rewrite::stub(bytes, &policy, &rules, Some(Behaviour::Trap), Voice::Wasi) {
        wasmparser::validate(&done.module).expect("a valid module stays valid");
    }
    if let Ok(swept) = rewrite::gc(bytes, &rewrite::POLYFILL_EXPORTS) {
        wasmparser::validate(&swept.module).expect("a valid module stays valid");
        let again = rewrite::gc(&swept.module, &rewrite::POLYFILL_EXPORTS).expect("it was swept");
        assert!(again.module == swept.module, "nothing is left to sweep");
    }
}

/// A policy.
pub fn policy(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Policy::parse(text, true);
    }
}

/// Rules for stubs.
pub fn rules(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let mut rules = Rules::default();
        for line in text.lines() {
            let _ = rules.add_text(line);
        }
        let _ = rules.of(text);
    }
}

/// Accepted findings.
pub fn baseline(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Baseline>(bytes);
}

/// The type of a function: what is read is written the same.
pub fn signature(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(signature) = text.parse::<Signature>()
    {
        assert_eq!(signature.to_string().parse(), Ok(signature));
    }
}
