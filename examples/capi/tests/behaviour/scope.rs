//! Execution of code.

use capi::{Dict, Kind, Scope};

use super::{raised, scope, with_python};

#[test]
fn rust_reads_names_that_code_defines() {
    with_python(|py| {
        let scope = scope(py, "def double(n):\n    return n * 2\nresult = double(21)")?;
        assert_eq!(scope.get("result")?.unwrap().extract::<i64>()?, 42);
        assert!(scope.get("nothing")?.is_none());
        Ok(())
    });
}

#[test]
fn code_reads_names_that_rust_sets() {
    with_python(|py| {
        let scope = Scope::new(py)?;
        scope.set("base", 40)?;
        assert_eq!(scope.eval("base + 2")?.extract::<i64>()?, 42);
        Ok(())
    });
}

#[test]
fn scopes_are_independent() {
    with_python(|py| {
        let (one, other) = (scope(py, "x = 1")?, Scope::new(py)?);
        assert_eq!(raised(other.eval("x")), "NameError: name 'x' is not defined");
        assert_eq!(one.eval("__name__, x")?.repr()?, "('__main__', 1)");
        Ok(())
    });
}

#[test]
fn separate_locals_shadow_globals() {
    with_python(|py| {
        let globals = Scope::new(py)?.globals().clone();
        globals.set("x", "global")?;
        globals.set("y", "global")?;
        let scope = Scope::with(globals.clone(), Dict::new(py)?);
        scope.exec("x = 'local'\ndef seen(): return x")?;
        assert_eq!(scope.get("x")?.unwrap().as_str()?, "local");
        assert_eq!(scope.get("y")?.unwrap().as_str()?, "global");
        assert_eq!(scope.eval("x, y, seen()")?.repr()?, "('local', 'global', 'global')");
        assert_eq!(globals.get("x")?.unwrap().as_str()?, "global");
        assert_eq!(scope.locals().len(), 2);
        Ok(())
    });
}

#[test]
fn eval_accepts_indentation_but_no_statements() {
    with_python(|py| {
        let scope = Scope::new(py)?;
        assert_eq!(scope.eval(" \t6 * 7\n")?.extract::<i64>()?, 42);
        assert!(scope.eval("x = 1").unwrap_err().is(Kind::Syntax));
        assert!(scope.eval("").unwrap_err().is(Kind::Syntax));
        Ok(())
    });
}

#[test]
fn nul_in_code_is_a_syntax_error() {
    with_python(|py| {
        let scope = Scope::new(py)?;
        let expected = "SyntaxError: source code string cannot contain null bytes";
        assert_eq!(raised(scope.exec("x = 1\0; y = 2")), expected);
        assert_eq!(raised(scope.eval("'a\0b'")), expected);
        assert!(scope.get("x")?.is_none());
        Ok(())
    });
}

#[test]
fn coding_comment_is_ignored() {
    with_python(|py| {
        let scope = scope(py, "# -*- coding: latin-1 -*-\nname = 'größe \u{1f40d}'")?;
        assert_eq!(scope.get("name")?.unwrap().as_str()?, "größe \u{1f40d}");
        Ok(())
    });
}

#[test]
fn tracebacks_name_file_and_line() {
    with_python(|py| {
        let scope = Scope::new(py)?;
        let error = scope.exec_file("\n\ndef f():\n    1 / 0\n\nf()\n", "rules.py").unwrap_err();
        assert_eq!(
            error.traceback()?,
            "Traceback (most recent call last):\n  File \"rules.py\", line 6, in <module>\n  \
             File \"rules.py\", line 4, in f\nZeroDivisionError: division by zero\n"
        );
        let error = scope.exec_file("f(\n", "rules.py").unwrap_err();
        assert!(error.traceback()?.contains("File \"rules.py\", line 1"), "{error:?}");
        Ok(())
    });
}

#[test]
fn file_name_may_contain_nul() {
    with_python(|py| {
        let scope = Scope::new(py)?;
        scope.exec_file("def f(): pass", "a\0b")?;
        assert_eq!(scope.eval("f.__code__.co_filename")?.as_str()?, "a\0b");
        let error = scope.exec_file("1 / 0", "a\0b").unwrap_err();
        assert_eq!(error.type_name(), "ZeroDivisionError");
        assert!(format!("{error:?}").contains("ZeroDivisionError"));
        Ok(())
    });
}

#[test]
fn missing_builtins_are_added() {
    with_python(|py| {
        let globals = Dict::new(py)?;
        let scope = Scope::with(globals.clone(), globals);
        assert_eq!(scope.eval("len('four')")?.extract::<i64>()?, 4);
        Ok(())
    });
}
