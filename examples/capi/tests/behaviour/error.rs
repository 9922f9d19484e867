//! Exceptions.

use capi::{Error, Kind, Object};

use super::{eval, raised, scope, with_python};

#[test]
fn exception_has_class_message_and_traceback() {
    with_python(|py| {
        let scope = scope(py, "def f(): raise ValueError('too small')")?;
        let error = scope.eval("f()").unwrap_err();
        assert_eq!(
            (error.type_name().as_str(), error.message()?.as_str()),
            ("ValueError", "too small")
        );
        assert_eq!(error.to_string(), "ValueError: too small");
        assert_eq!(
            error.traceback()?,
            "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\n  \
             File \"<string>\", line 1, in f\nValueError: too small\n"
        );
        assert_eq!(format!("{error:?}"), error.traceback()?);
        Ok(())
    });
}

#[test]
fn traceback_includes_the_cause() {
    with_python(|py| {
        let code = "try: 1 / 0\nexcept ZeroDivisionError as e: raise KeyError('k') from e";
        let text = scope(py, code).unwrap_err().traceback()?;
        let (cause, raised) = text.split_once("direct cause").unwrap();
        assert!(cause.contains("ZeroDivisionError: division by zero"), "{text}");
        assert!(raised.ends_with("KeyError: 'k'\n"), "{text}");
        Ok(())
    });
}

#[test]
fn kind_matches_subclasses() {
    with_python(|py| {
        let error = eval(py, "{}['k']").unwrap_err();
        assert!(error.is(Kind::Key) && error.is(Kind::Any));
        assert!(!error.is(Kind::Value) && !error.is(Kind::Index));
        let exit = eval(py, "exit()").unwrap_err();
        assert!(exit.is(Kind::SystemExit) && !exit.is(Kind::Any));
        Ok(())
    });
}

#[test]
fn each_kind_raises_its_class() {
    with_python(|py| {
        for (kind, name) in [
            (Kind::Any, "Exception"),
            (Kind::Import, "ImportError"),
            (Kind::Index, "IndexError"),
            (Kind::Key, "KeyError"),
            (Kind::Memory, "MemoryError"),
            (Kind::Os, "OSError"),
            (Kind::Overflow, "OverflowError"),
            (Kind::Recursion, "RecursionError"),
            (Kind::Runtime, "RuntimeError"),
            (Kind::Syntax, "SyntaxError"),
            (Kind::System, "SystemError"),
            (Kind::SystemExit, "SystemExit"),
            (Kind::Type, "TypeError"),
            (Kind::Unicode, "UnicodeError"),
            (Kind::Value, "ValueError"),
        ] {
            let error = Error::new(py, kind, "größe\0");
            assert_eq!(error.type_name(), name);
            assert!(error.is(kind) && error.message()?.contains("größe"), "{error:?}");
        }
        Ok(())
    });
}

#[test]
fn returned_exception_is_no_longer_set() {
    with_python(|py| {
        let scope = scope(py, "import sys")?;
        drop(scope.eval("1 / 0").unwrap_err());
        assert!(scope.eval("sys.exception()")?.is_none());
        let first = scope.eval("1 / 0").unwrap_err();
        let second = scope.eval("[][1]").unwrap_err();
        assert!(first.exception().get_attr("__context__")?.is_none());
        assert!(second.exception().get_attr("__context__")?.is_none());
        Ok(())
    });
}

#[test]
fn exception_with_failing_str_is_displayed() {
    with_python(|py| {
        let scope = scope(
            py,
            "class Mute(Exception):\n    def __str__(self): raise ValueError('no text')",
        )?;
        let error = scope.exec("raise Mute").unwrap_err();
        assert_eq!(error.to_string(), "Mute: <its __str__ failed>");
        assert_eq!(raised(error.message()), "ValueError: no text");
        assert!(error.traceback()?.contains("Mute: <exception str() failed>"), "{error:?}");
        Ok(())
    });
}

#[test]
fn lone_surrogates_in_messages_are_escaped() {
    with_python(|py| {
        let error = super::scope(py, "raise ValueError('a\\udc80b\\0')").unwrap_err();
        assert_eq!(error.message()?, "a\\udc80b\0");
        assert_eq!(error.to_string(), "ValueError: a\\udc80b\0");
        assert!(error.traceback()?.ends_with("ValueError: a\\udc80b\0\n"), "{error:?}");
        Ok(())
    });
}

#[test]
fn exception_is_displayed_without_module_traceback() {
    with_python(|py| {
        let scope = scope(py, "import sys; sys.modules['traceback'] = None")?;
        let error = scope.eval("1 / 0").unwrap_err();
        assert_eq!(error.traceback().unwrap_err().type_name(), "ModuleNotFoundError");
        assert_eq!(format!("{error:?}"), "ZeroDivisionError: division by zero");
        Ok(())
    });
}

#[test]
fn only_exceptions_can_be_raised() {
    with_python(|py| {
        let own = scope(py, "class Own(Exception): pass\nown = Own('mine')")?.eval("own")?;
        let error = Error::from_exception(own.clone());
        assert!(error.exception().is(&own));
        assert_eq!(error.to_string(), "Own: mine");
        let error = Error::from_exception(Object::none(py));
        assert_eq!(error.to_string(), "TypeError: expected an exception, got NoneType");
        // The class `ValueError` is not an exception. Only its instances are.
        let error = Error::from_exception(eval(py, "ValueError")?);
        assert_eq!(error.to_string(), "TypeError: expected an exception, got type");
        Ok(())
    });
}

#[test]
fn system_exit_returns_its_code() {
    with_python(|py| {
        for (code, expected) in [("", 0), ("None", 0), ("3", 3), ("True", 1), ("'text'", 1)] {
            let error = scope(py, &format!("import sys; sys.exit({code})")).unwrap_err();
            assert_eq!(error.exit_code(), Some(expected), "{code}");
        }
        assert_eq!(eval(py, "1 / 0").unwrap_err().exit_code(), None);
        Ok(())
    });
}

#[test]
fn syntax_errors_and_interrupts_are_exceptions() {
    with_python(|py| {
        assert!(eval(py, "1 +").unwrap_err().is(Kind::Syntax));
        let error = scope(py, "raise KeyboardInterrupt").unwrap_err();
        assert_eq!(error.to_string(), "KeyboardInterrupt");
        Ok(())
    });
}
