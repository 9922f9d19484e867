//! Start and finalization.

use std::ffi::CStr;

use capi::{Config, Definition, Interpreter, Method, Module, Object, Scope, StartError};

use super::native::{Native, notes};
use super::{eval, scope, with_python};

#[test]
fn second_interpreter_is_refused() {
    let interpreter = Interpreter::start(&Config::new()).unwrap();
    assert!(matches!(Interpreter::start(&Config::new()), Err(StartError::Running)));
    drop(interpreter);
    Interpreter::start(&Config::new()).unwrap();
}

#[test]
fn python_code_cannot_start_an_interpreter() {
    with_python(|py| {
        let scope = scope(py, "import native; error = native.start()")?;
        assert_eq!(scope.eval("error")?.as_str()?, "an interpreter is already running");
        Ok(())
    });
}

#[test]
fn restarted_python_keeps_no_state() {
    for _ in 0..3 {
        with_python(|py| {
            let builtins = Object::import(py, "builtins")?;
            assert!(builtins.get_attr("left_behind").is_err());
            builtins.set_attr("left_behind", true)?;
            let native = Object::import(py, "native")?;
            assert_eq!(native.get_attr("answer")?.extract::<i64>()?, 42);
            Ok(())
        });
    }
}

#[test]
fn native_module_is_added_once_and_stays() {
    for config in [Config::new().module::<Native>().module::<Native>(), Config::new()] {
        let interpreter = Interpreter::start(&config).unwrap();
        let names = "__import__('sys').builtin_module_names.count('native')";
        let count = eval(interpreter.python(), names).unwrap();
        assert_eq!(count.extract::<i64>().unwrap(), 1);
    }
}

#[test]
fn native_module_name_must_be_unique() {
    struct Duplicate<const WHICH: u8>;

    impl<const WHICH: u8> Module for Duplicate<WHICH> {
        const NAME: &'static CStr = if WHICH == 0 { c"native" } else { c"math" };
        const DOC: &'static CStr = c"";
        const METHODS: &'static [Method] = &[Method::END];

        fn definition() -> &'static Definition {
            static DEFINITION: Definition = Definition::of::<Duplicate<0>>();
            &DEFINITION
        }
    }

    Interpreter::start(&Config::new().module::<Native>()).unwrap();
    let result = Interpreter::start(&Config::new().module::<Duplicate<0>>());
    assert_eq!(result.unwrap_err().to_string(), "a built-in module `native` already exists");
    let result = Interpreter::start(&Config::new().module::<Duplicate<1>>());
    assert_eq!(result.unwrap_err().to_string(), "a built-in module `math` already exists");
    Interpreter::start(&Config::new()).unwrap();
}

#[test]
fn arguments_become_sys_argv() {
    let config = Config::new().argument("name").argument("-c").argument("größe=\u{1f40d}");
    let interpreter = Interpreter::start(&config).unwrap();
    let argv = eval(interpreter.python(), "__import__('sys').argv").unwrap();
    assert_eq!(argv.repr().unwrap(), "['name', '-c', 'größe=\u{1f40d}']");
}

#[test]
fn argument_with_nul_is_refused() {
    let result = Interpreter::start(&Config::new().argument("a\0b"));
    assert_eq!(result.unwrap_err().to_string(), "an argument contains a NUL byte: \"a\\0b\"");
    Interpreter::start(&Config::new()).unwrap();
}

#[test]
fn isolated_python_ignores_the_environment() {
    for (config, isolated) in [(Config::new(), 0), (Config::new().isolated(), 1)] {
        let interpreter = Interpreter::start(&config).unwrap();
        let flags = eval(interpreter.python(), "__import__('sys').flags").unwrap();
        assert_eq!(flags.get_attr("isolated").unwrap().extract::<i64>().unwrap(), isolated);
        let ignored = flags.get_attr("ignore_environment").unwrap();
        assert_eq!(ignored.extract::<i64>().unwrap(), isolated);
    }
}

#[test]
fn utf8_mode_is_always_on() {
    for config in [Config::new(), Config::new().isolated()] {
        let interpreter = Interpreter::start(&config).unwrap();
        let scope = Scope::new(interpreter.python()).unwrap();
        let mode = scope.eval("__import__('sys').flags.utf8_mode").unwrap();
        assert_eq!(mode.extract::<i64>().unwrap(), 1);
    }
}

#[test]
fn finalize_runs_atexit_and_del() {
    notes();
    with_python(|py| {
        scope(
            py,
            "
import atexit, native, sys

class Noisy:
    def __del__(self, note=native.note):
        note('deleted')

# `sys` keeps the object alive after the scope is gone.
sys.noisy = Noisy()
atexit.register(native.note, 'at exit')
",
        )?;
        assert!(notes().is_empty());
        Ok(())
    });
    assert_eq!(notes(), ["at exit", "deleted"]);
}

#[test]
fn drop_finalizes() {
    notes();
    let interpreter = Interpreter::start(&Config::new().module::<Native>()).unwrap();
    scope(interpreter.python(), "import atexit, native; atexit.register(native.note, 'at exit')")
        .unwrap();
    drop(interpreter);
    assert_eq!(notes(), ["at exit"]);
}

#[test]
fn finalize_reports_unwritten_output() {
    let interpreter = Interpreter::start(&Config::new()).unwrap();
    scope(
        interpreter.python(),
        "
import sys

class Full:
    closed = False
    def write(self, text): pass
    def flush(self): raise OSError('no space')

sys.stdout = Full()
sys.unraisablehook = lambda unraisable: None
",
    )
    .unwrap();
    let error = interpreter.finalize().unwrap_err();
    assert_eq!(error.to_string(), "Python could not write all of its output");
    Interpreter::start(&Config::new()).unwrap();
}

#[test]
fn types_are_not_send() {
    /// A trait with two implementations for each type that is `Send`. For such a type, a call of
    /// `holds` is ambiguous and does not compile.
    trait IsNotSend<A> {
        fn holds() {}
    }
    impl<T> IsNotSend<()> for T {}
    impl<T: Send> IsNotSend<u8> for T {}

    <Interpreter as IsNotSend<_>>::holds();
    <capi::Python<'_> as IsNotSend<_>>::holds();
    <Object<'_> as IsNotSend<_>>::holds();
    <capi::Error<'_> as IsNotSend<_>>::holds();
}
