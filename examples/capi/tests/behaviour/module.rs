//! Native modules.

use super::{raised, scope, with_python};

#[test]
fn functions_and_constants_are_documented() {
    with_python(|py| {
        let scope = scope(py, "import inspect, native")?;
        assert_eq!(scope.eval("native.answer")?.extract::<i64>()?, 42);
        assert_eq!(scope.eval("native.__doc__")?.as_str()?, "A module for tests.");
        assert_eq!(scope.eval("native.note.__doc__")?.as_str()?, "Stores a text.");
        assert_eq!(scope.eval("str(inspect.signature(native.note))")?.as_str()?, "(text, /)");
        assert_eq!(scope.eval("native.__spec__.origin")?.as_str()?, "built-in");
        Ok(())
    });
}

#[test]
fn functions_take_positional_arguments_only() {
    with_python(|py| {
        let scope = scope(py, "import native")?;
        assert_eq!(scope.eval("native.count()")?.extract::<i64>()?, 0);
        assert_eq!(scope.eval("native.count(*range(1000))")?.extract::<i64>()?, 1000);
        assert_eq!(
            raised(scope.eval("native.count(a=1)")),
            "TypeError: native.count() takes no keyword arguments"
        );
        Ok(())
    });
}

#[test]
fn wrong_argument_count_raises_type_error() {
    with_python(|py| {
        let scope = scope(py, "import native")?;
        for (call, given) in [("native.note()", 0), ("native.note('a', 'b')", 2)] {
            let expected = format!("TypeError: note() takes exactly 1 argument ({given} given)");
            assert_eq!(raised(scope.eval(call)), expected);
        }
        assert_eq!(raised(scope.eval("native.note(3)")), "TypeError: expected str, got int");
        Ok(())
    });
}

#[test]
fn err_is_raised_as_exception() {
    with_python(|py| {
        let scope = scope(
            py,
            "
import native
try:
    native.refuse()
except ValueError as error:
    caught = error.args

mine = KeyError('mine')
try:
    native.throw(mine)
except KeyError as error:
    same = error is mine",
        )?;
        assert_eq!(scope.eval("caught")?.repr()?, "('refused',)");
        assert!(scope.eval("same")?.extract::<bool>()?);
        assert_eq!(
            raised(scope.eval("native.throw('text')")),
            "TypeError: expected an exception, got str"
        );
        Ok(())
    });
}

#[test]
fn traceback_crosses_rust() {
    with_python(|py| {
        let scope = scope(
            py,
            "import native\ndef inner(): raise ValueError('deep')\ndef outer(): native.call(inner)",
        )?;
        let text = scope.eval("outer()").unwrap_err().traceback()?;
        assert!(text.contains("in outer") && text.contains("in inner"), "{text}");
        Ok(())
    });
}

#[test]
fn deep_mutual_calls_raise_recursion_error() {
    with_python(|py| {
        let scope = scope(
            py,
            "
import native, sys
sys.setrecursionlimit(10 ** 6)

def down(n):
    return 0 if n == 0 else 1 + native.call(down, n - 1)

def forever():
    native.call(forever)

class Attribute:
    def __getattr__(self, name):
        return native.call(getattr, self, name)",
        )?;
        assert_eq!(scope.eval("down(150)")?.extract::<i64>()?, 150);
        for endless in ["forever()", "Attribute().x"] {
            assert_eq!(scope.eval(endless).unwrap_err().type_name(), "RecursionError", "{endless}");
        }
        // The interpreter is still usable.
        assert_eq!(scope.eval("down(150)")?.extract::<i64>()?, 150);
        Ok(())
    });
}

#[test]
fn reimport_creates_the_module_again() {
    with_python(|py| {
        let scope = scope(
            py,
            "
import native, sys
first = native
first.answer = 0
del sys.modules['native']
import native
import importlib
reloaded = importlib.reload(native)",
        )?;
        assert!(!scope.eval("first is native")?.extract::<bool>()?);
        assert!(scope.eval("reloaded is native")?.extract::<bool>()?);
        assert_eq!(scope.eval("native.answer")?.extract::<i64>()?, 42);
        Ok(())
    });
}

#[test]
fn err_in_fill_fails_the_import() {
    with_python(|py| {
        let scope = scope(py, "import sys; sys.refuse_native = True")?;
        assert_eq!(raised(scope.exec("import native")), "ImportError: native is refused");
        assert!(scope.eval("'native' not in sys.modules")?.extract::<bool>()?);
        scope.exec("del sys.refuse_native; import native")?;
        Ok(())
    });
}
