//! Operations on any object.

use capi::{Dict, Kind, Object};

use super::{eval, raised, scope, with_python};

#[test]
fn attributes_and_items_are_read_and_set() {
    with_python(|py| {
        let scope = scope(py, "class Thing: pass\nthing = Thing()")?;
        let thing = scope.eval("thing")?;
        thing.set_attr("größe", 3)?;
        assert_eq!(scope.eval("thing.größe")?.extract::<i64>()?, 3);
        assert_eq!(thing.get_attr("größe")?.extract::<i64>()?, 3);
        assert_eq!(eval(py, "[1, 2]")?.get_item(-1)?.extract::<i64>()?, 2);
        assert_eq!(raised(thing.get_item(0)), "TypeError: 'Thing' object is not subscriptable");
        Ok(())
    });
}

#[test]
fn names_may_contain_nul() {
    with_python(|py| {
        let object = eval(py, "(lambda: 0)")?;
        assert_eq!(
            raised(object.get_attr("a\0b")),
            "AttributeError: 'function' object has no attribute 'a\0b'"
        );
        object.set_attr("a\0b", 1)?;
        assert_eq!(object.get_attr("a\0b")?.extract::<i64>()?, 1);
        assert!(Object::import(py, "a\0b").unwrap_err().is(Kind::Import));
        assert!(Object::import(py, "").unwrap_err().is(Kind::Value));
        Ok(())
    });
}

#[test]
fn import_returns_the_last_module_of_a_dotted_name() {
    with_python(|py| {
        let path = Object::import(py, "os.path")?;
        assert_eq!(path.get_attr("__name__")?.as_str()?, "posixpath");
        let error = Object::import(py, "no.such").unwrap_err();
        assert_eq!(error.to_string(), "ModuleNotFoundError: No module named 'no'");
        Ok(())
    });
}

#[test]
fn calls_pass_arguments_and_keywords() {
    with_python(|py| {
        let function = eval(py, "lambda *a, **k: (a, k)")?;
        assert_eq!(function.call(())?.repr()?, "((), {})");
        assert_eq!(function.call((1, "b", 2.5, true))?.repr()?, "((1, 'b', 2.5, True), {})");
        let keywords = Dict::new(py)?;
        keywords.set("key", 1)?;
        assert_eq!(function.call_with((1,), &keywords)?.repr()?, "((1,), {'key': 1})");
        keywords.set(2, 2)?;
        assert!(function.call_with((), &keywords).unwrap_err().is(Kind::Type));
        assert_eq!(
            raised(function.get_attr("__code__")?.call(())),
            "TypeError: 'code' object is not callable"
        );
        Ok(())
    });
}

#[test]
fn methods_are_called_by_name() {
    with_python(|py| {
        let text = eval(py, "'a-b-c'")?;
        assert_eq!(text.call_method("split", ("-", 1))?.repr()?, "['a', 'b-c']");
        assert!(text.call_method("no_such", ()).is_err());
        Ok(())
    });
}

#[test]
fn is_true_propagates_exceptions() {
    with_python(|py| {
        assert!(eval(py, "[0]")?.is_true()? && !eval(py, "[]")?.is_true()?);
        let scope = scope(py, "class Undecided:\n    def __bool__(self): raise ValueError('?')")?;
        assert_eq!(raised(scope.eval("Undecided()")?.is_true()), "ValueError: ?");
        Ok(())
    });
}

#[test]
fn iteration_stops_after_an_exception() {
    with_python(|py| {
        let numbers: Result<Vec<i64>, _> =
            eval(py, "range(3)")?.iter()?.map(|item| item?.extract()).collect();
        assert_eq!(numbers?, [0, 1, 2]);
        let mut broken = eval(py, "(1 // (1 - i) for i in range(9))")?.iter()?;
        assert_eq!(broken.next().unwrap()?.extract::<i64>()?, 1);
        assert!(raised(broken.next().unwrap()).starts_with("ZeroDivisionError"));
        assert!(broken.next().is_none());
        assert_eq!(raised(eval(py, "3")?.iter()), "TypeError: 'int' object is not iterable");
        Ok(())
    });
}

#[test]
fn debug_shows_repr_or_type() {
    with_python(|py| {
        let scope = scope(py, "class Broken:\n    def __repr__(self): raise ValueError")?;
        assert_eq!(format!("{:?}", scope.eval("[1, 'a']")?), "[1, 'a']");
        assert_eq!(format!("{:?}", scope.eval("Broken()")?), "<Broken>");
        assert_eq!(raised(scope.eval("Broken()")?.repr()), "ValueError");
        Ok(())
    });
}

#[test]
fn str_and_repr_must_return_text() {
    with_python(|py| {
        let scope = scope(py, "class Odd:\n    def __repr__(self): return 3")?;
        assert!(scope.eval("Odd()")?.repr().unwrap_err().is(Kind::Type));
        assert!(scope.eval("Odd()")?.str().unwrap_err().is(Kind::Type));
        Ok(())
    });
}
