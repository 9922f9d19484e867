use super::*;
use crate::ValType;
use crate::object::Object;
use crate::writer::{Binding, Code, Writer};

/// Writes an object that calls functions of these types and refers to a variable.
fn caller(calls: &[(&str, &[ValType], &[ValType])]) -> Vec<u8> {
    let mut writer = Writer::new();
    let functions: Vec<_> = calls
        .iter()
        .map(|(name, params, results)| writer.undefined_function(name, params, results))
        .collect();
    writer.undefined_data("a_variable");
    let code = functions.into_iter().fold(Code::new(), Code::call);
    writer.function("caller", Binding::Global, &[], &[], code);
    writer.finish()
}

fn choose(
    calls: &[(&str, &[ValType], &[ValType])],
    rules: &[&str],
    default: Option<Behaviour>,
) -> Result<Stubs, Vec<String>> {
    let mut link = Link::new();
    link.object("a.o", &caller(calls)).unwrap();
    let mut all = Rules::default();
    for rule in rules {
        all.add_text(rule).unwrap();
    }
    stubs(&link, &link.closure(), &all, default)
        .map_err(|refusals| refusals.iter().map(ToString::to_string).collect())
}

const I: ValType = ValType::I32;

#[test]
fn stubs_have_the_type_of_their_symbol() {
    let calls: [(&str, &[ValType], &[ValType]); 3] =
        [("f", &[I, ValType::F64], &[ValType::I64]), ("g", &[], &[]), ("PyInit_x", &[], &[I])];
    let found = choose(&calls, &[], Some(Behaviour::Trap)).unwrap();
    let lines: Vec<String> = found
        .stubs
        .iter()
        .map(|stub| format!("{} {} {}", stub.name, stub.kind, stub.behaviour))
        .collect();
    assert_eq!(
        lines,
        [
            "PyInit_x () -> i32 import-error",
            "a_variable data trap",
            "f (i32, f64) -> i64 trap",
            "g () -> () trap"
        ]
    );
    for stub in &found.stubs {
        let object = Object::read("s.o", &stub.object().unwrap()).unwrap();
        let own = object.symbols.iter().find(|symbol| !symbol.undefined).unwrap();
        assert_eq!((&own.name, &own.kind, own.weak), (&stub.name, &stub.kind, true));
    }
}

#[test]
fn archive_leaves_only_python_symbols_undefined() {
    let calls: [(&str, &[ValType], &[ValType]); 2] = [("f", &[I], &[I]), ("PyInit_x", &[], &[I])];
    let found = choose(&calls, &[], Some(Behaviour::Trap)).unwrap();
    for reporter in [TrapReporter::Wasi, TrapReporter::Ic, TrapReporter::Silent] {
        let mut link = Link::new();
        link.object("a.o", &caller(&calls)).unwrap();
        link.archive("stubs.a", &found.archive(reporter, Vec::new())).unwrap();
        let closure = link.closure();
        let left: Vec<&str> = closure.undefined.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(left, ["PyErr_SetString", "PyExc_ImportError"]);
        assert!(closure.conflicts.is_empty());
    }
}

#[test]
fn unmatched_symbols_stay_undefined_without_default() {
    let found = choose(&[("f", &[], &[]), ("g", &[], &[])], &["g=null", "h*=trap"], None).unwrap();
    assert_eq!(found.stubs.len(), 1);
    assert_eq!(found.unmatched, ["a_variable", "f"]);
    assert_eq!(found.unused_patterns, ["h*"]);
}

#[test]
fn two_types_of_one_symbol_are_refused() {
    let mut link = Link::new();
    link.object("a.o", &caller(&[("f", &[I], &[I])])).unwrap();
    link.object("b.o", &caller(&[("f", &[], &[])])).unwrap();
    let refused =
        stubs(&link, &link.closure(), &Rules::default(), Some(Behaviour::Trap)).unwrap_err();
    assert_eq!(
        refused[0].to_string(),
        "`f` is used with 2 types: () -> () by b.o; (i32) -> i32 by a.o; calls with any type other \
         than the stub's would trap"
    );
}

#[test]
fn defined_symbols_are_refused() {
    let refused = choose(&[], &["caller=null"], None).unwrap_err();
    assert_eq!(refused, ["`caller` is defined by a.o: a stub would hide the definition"]);
}

#[test]
fn functions_that_may_return_structs_only_trap() {
    let calls: [(&str, &[ValType], &[ValType]); 2] =
        [("div", &[I, I, I], &[]), ("maybe", &[I], &[])];
    for behaviour in ["null", "errno", "value=1", "python-error"] {
        let rules = [format!("div={behaviour}"), format!("maybe={behaviour}")];
        let refused = choose(&calls, &[&rules[0], &rules[1]], None).unwrap_err();
        assert!(refused[0].contains("returns a struct through its first parameter"));
        assert!(refused[1].contains("may return a struct"), "{refused:?}");
    }
    assert!(choose(&calls, &[], Some(Behaviour::Trap)).is_ok());
}

#[test]
fn import_error_is_for_modules() {
    let refused = choose(&[("f", &[], &[I])], &["f=import-error"], None).unwrap_err();
    assert!(refused[0].contains("`import-error`, which is only for `PyInit_NAME`"), "{refused:?}");
}

#[test]
fn shims_are_for_the_symbols_they_define() {
    let calls: [(&str, &[ValType], &[ValType]); 2] = [("dlopen", &[I, I], &[I]), ("f", &[], &[])];
    let found = choose(&calls, &["dl*=shim"], None).unwrap();
    assert!(found.shims()["dl"].contains("dlopen("));
    assert_eq!(choose(&calls, &["f=shim"], None).unwrap_err(), ["there is no shim for `f`"]);
}
