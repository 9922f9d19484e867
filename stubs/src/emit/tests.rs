use super::*;
use crate::ValType;
use crate::object::Object;
use crate::writer::{Binding, Code, Writer};

/// An object that calls functions of these types.
fn caller(calls: &[(&str, &[ValType], &[ValType])]) -> Vec<u8> {
    let mut writer = Writer::new();
    let called: Vec<_> = calls
        .iter()
        .map(|(name, params, results)| writer.undefined_function(name, params, results))
        .collect();
    writer.undefined_data("a_variable");
    let code = called.into_iter().fold(Code::new(), Code::call);
    writer.function("caller", Binding::Global, &[], &[], code);
    writer.finish()
}

fn decided(
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
        .map_err(|refused| refused.iter().map(ToString::to_string).collect())
}

const I: ValType = ValType::I32;

#[test]
fn every_undefined_symbol_has_a_stub_of_its_type() {
    let calls: [(&str, &[ValType], &[ValType]); 3] =
        [("f", &[I, ValType::F64], &[ValType::I64]), ("g", &[], &[]), ("PyInit_x", &[], &[I])];
    let found = decided(&calls, &[], Some(Behaviour::Trap)).unwrap();
    let told: Vec<String> = found
        .stubs
        .iter()
        .map(|stub| format!("{} {} {}", stub.name, stub.kind, stub.behaviour))
        .collect();
    assert_eq!(
        told,
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
fn with_the_archive_nothing_but_python_stays_undefined() {
    let calls: [(&str, &[ValType], &[ValType]); 2] = [("f", &[I], &[I]), ("PyInit_x", &[], &[I])];
    let found = decided(&calls, &[], Some(Behaviour::Trap)).unwrap();
    for voice in [Voice::Wasi, Voice::Ic, Voice::Name] {
        let mut link = Link::new();
        link.object("a.o", &caller(&calls)).unwrap();
        link.archive("stubs.a", &found.archive(voice, Vec::new())).unwrap();
        let closure = link.closure();
        let left: Vec<&str> = closure.undefined.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(left, ["PyErr_SetString", "PyExc_ImportError"]);
        assert!(closure.conflicts.is_empty());
    }
}

#[test]
fn what_no_rule_speaks_of_is_left_where_nothing_is_the_default() {
    let found = decided(&[("f", &[], &[]), ("g", &[], &[])], &["g=null", "h*=trap"], None).unwrap();
    assert_eq!(found.stubs.len(), 1);
    assert_eq!(found.left, ["a_variable", "f"]);
    assert_eq!(found.unused, ["h*"]);
}

#[test]
fn one_name_of_two_types_is_refused() {
    let mut link = Link::new();
    link.object("a.o", &caller(&[("f", &[I], &[I])])).unwrap();
    link.object("b.o", &caller(&[("f", &[], &[])])).unwrap();
    let refused =
        stubs(&link, &link.closure(), &Rules::default(), Some(Behaviour::Trap)).unwrap_err();
    assert_eq!(
        refused[0].to_string(),
        "`f` is meant in 2 ways: () -> () by b.o; (i32) -> i32 by a.o; a stub of one type traps for \
         the others"
    );
}

#[test]
fn a_stub_for_what_is_there_is_refused() {
    let refused = decided(&[], &["caller=null"], None).unwrap_err();
    assert_eq!(refused, ["`caller` is defined by a.o: a stub would hide it"]);
}

#[test]
fn what_may_return_a_structure_can_only_trap() {
    let calls: [(&str, &[ValType], &[ValType]); 2] =
        [("div", &[I, I, I], &[]), ("maybe", &[I], &[])];
    for behaviour in ["null", "errno", "value=1", "python-error"] {
        let rules = [format!("div={behaviour}"), format!("maybe={behaviour}")];
        let refused = decided(&calls, &[&rules[0], &rules[1]], None).unwrap_err();
        assert!(refused[0].contains("returns a structure through its first parameter"));
        assert!(refused[1].contains("may be one that returns a structure"), "{refused:?}");
    }
    assert!(decided(&calls, &[], Some(Behaviour::Trap)).is_ok());
}

#[test]
fn an_import_error_is_for_modules() {
    let refused = decided(&[("f", &[], &[I])], &["f=import-error"], None).unwrap_err();
    assert!(refused[0].contains("is not a `PyInit_NAME`"), "{refused:?}");
}

#[test]
fn a_shim_is_for_what_it_has() {
    let calls: [(&str, &[ValType], &[ValType]); 2] = [("dlopen", &[I, I], &[I]), ("f", &[], &[])];
    let found = decided(&calls, &["dl*=shim"], None).unwrap();
    assert!(found.shims()["dl"].contains("dlopen("));
    assert_eq!(decided(&calls, &["f=shim"], None).unwrap_err(), ["there is no shim for `f`"]);
}
