//! Start and end.

use std::ffi::CStr;

use capi::{Config, Definition, Interpreter, Method, Module, Object, Scope, StartError};

use super::native::{Native, notes};
use super::{eval, scope, with_python};

#[test]
fn a_second_interpreter_is_refused_while_one_runs() {
    let interpreter = Interpreter::start(&Config::new()).unwrap();
    assert!(matches!(Interpreter::start(&Config::new()), Err(StartError::Running)));
    drop(interpreter);
    Interpreter::start(&Config::new()).unwrap();
}

#[test]
fn a_function_that_python_calls_can_not_start_another() {
    with_python(|py| {
        let scope = scope(py, "import native; why = native.start()")?;
        assert_eq!(scope.eval("why")?.as_str()?, "an interpreter runs already");
        Ok(())
    });
}

#[test]
fn a_python_that_was_started_anew_knows_nothing_of_the_one_before() {
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
fn a_native_module_stays_known_and_is_added_once() {
    for config in [Config::new().module::<Native>().module::<Native>(), Config::new()] {
        let interpreter = Interpreter::start(&config).unwrap();
        let names = "__import__('sys').builtin_module_names.count('native')";
        let count = eval(interpreter.python(), names).unwrap();
        assert_eq!(count.extract::<i64>().unwrap(), 1);
    }
}

#[test]
fn a_native_module_can_not_take_the_name_of_another() {
    struct Impostor<const WHICH: u8>;

    impl<const WHICH: u8> Module for Impostor<WHICH> {
        const NAME: &'static CStr = if WHICH == 0 { c"native" } else { c"math" };
        const DOC: &'static CStr = c"";
        const METHODS: &'static [Method] = &[Method::END];

        fn definition() -> &'static Definition {
            static DEFINITION: Definition = Definition::of::<Impostor<0>>();
            &DEFINITION
        }
    }

    Interpreter::start(&Config::new().module::<Native>()).unwrap();
    let refused = Interpreter::start(&Config::new().module::<Impostor<0>>());
    assert_eq!(refused.unwrap_err().to_string(), "there is a built-in module native already");
    let refused = Interpreter::start(&Config::new().module::<Impostor<1>>());
    assert_eq!(refused.unwrap_err().to_string(), "there is a built-in module math already");
    Interpreter::start(&Config::new()).unwrap();
}

#[test]
fn arguments_are_sys_argv_and_no_options_of_pythons() {
    let config = Config::new().argument("name").argument("-c").argument("größe=\u{1f40d}");
    let interpreter = Interpreter::start(&config).unwrap();
    let argv = eval(interpreter.python(), "__import__('sys').argv").unwrap();
    assert_eq!(argv.repr().unwrap(), "['name', '-c', 'größe=\u{1f40d}']");
}

#[test]
fn an_argument_with_a_nul_byte_is_refused_and_python_can_start_without_it() {
    let refused = Interpreter::start(&Config::new().argument("a\0b"));
    assert_eq!(refused.unwrap_err().to_string(), "an argument has a NUL byte: \"a\\0b\"");
    Interpreter::start(&Config::new()).unwrap();
}

#[test]
fn an_isolated_python_ignores_the_environment() {
    for (config, isolated) in [(Config::new(), 0), (Config::new().isolated(), 1)] {
        let interpreter = Interpreter::start(&config).unwrap();
        let flags = eval(interpreter.python(), "__import__('sys').flags").unwrap();
        assert_eq!(flags.get_attr("isolated").unwrap().extract::<i64>().unwrap(), isolated);
        let ignored = flags.get_attr("ignore_environment").unwrap();
        assert_eq!(ignored.extract::<i64>().unwrap(), isolated);
    }
}

#[test]
fn text_is_utf8_whatever_the_locale_is() {
    for config in [Config::new(), Config::new().isolated()] {
        let interpreter = Interpreter::start(&config).unwrap();
        let scope = Scope::new(interpreter.python()).unwrap();
        let mode = scope.eval("__import__('sys').flags.utf8_mode").unwrap();
        assert_eq!(mode.extract::<i64>().unwrap(), 1);
    }
}

#[test]
fn the_end_runs_atexit_functions_and_deletes_what_is_left() {
    notes();
    with_python(|py| {
        scope(
            py,
            "
import atexit, native, sys

class Noisy:
    def __del__(self, note=native.note):
        note('deleted')

# Beyond the scope, for a module keeps it.
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
fn dropping_the_interpreter_ends_python_too() {
    notes();
    let interpreter = Interpreter::start(&Config::new().module::<Native>()).unwrap();
    scope(interpreter.python(), "import atexit, native; atexit.register(native.note, 'ended')")
        .unwrap();
    drop(interpreter);
    assert_eq!(notes(), ["ended"]);
}

#[test]
fn output_that_can_not_be_written_is_an_error_of_the_end() {
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
fn everything_of_pythons_stays_on_its_thread() {
    /// The method of the trait is found only for types that are not Send: for others there are two.
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
