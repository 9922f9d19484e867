//! The module `native`, which the tests import.

use std::cell::RefCell;
use std::ffi::CStr;

use capi::{
    Arguments, Config, Definition, Error, Function, Interpreter, Kind, Method, Module, Object,
    Python, Result, ToPython,
};

thread_local! {
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Takes the texts that `note` has stored.
pub(crate) fn notes() -> Vec<String> {
    NOTES.take()
}

pub(crate) struct Native;

impl Module for Native {
    const NAME: &'static CStr = c"native";
    const DOC: &'static CStr = c"A module for tests.";
    const METHODS: &'static [Method] = &[
        Method::of::<Note>(),
        Method::of::<Call>(),
        Method::of::<Count>(),
        Method::of::<Raise>(),
        Method::of::<Refuse>(),
        Method::of::<Start>(),
        Method::END,
    ];

    fn definition() -> &'static Definition {
        static DEFINITION: Definition = Definition::of::<Native>();
        &DEFINITION
    }

    fn fill<'py>(module: &Object<'py>) -> Result<'py, ()> {
        let sys = Object::import(module.python(), "sys")?;
        if sys
            .call_method("__dir__", ())?
            .call_method("__contains__", ("refuse_native",))?
            .is_true()?
        {
            return Err(Error::new(module.python(), Kind::Import, "native is refused"));
        }
        module.set_attr("answer", 42)
    }
}

/// A function that stores a text for [`notes`].
struct Note;

impl Function for Note {
    const NAME: &'static CStr = c"note";
    const DOC: &'static CStr = c"note(text, /)\n--\n\nStores a text.";

    fn call<'py>(py: Python<'py>, arguments: Arguments<'_, 'py>) -> Result<'py, Object<'py>> {
        let [text] = arguments.exactly()?;
        let text = text.extract()?;
        NOTES.with_borrow_mut(|notes| notes.push(text));
        Ok(Object::none(py))
    }
}

/// A function that calls its first argument with the other arguments.
struct Call;

impl Function for Call {
    const NAME: &'static CStr = c"call";
    const DOC: &'static CStr = c"";

    fn call<'py>(py: Python<'py>, arguments: Arguments<'_, 'py>) -> Result<'py, Object<'py>> {
        match arguments.all() {
            [function, rest @ ..] => function.call(&capi::Tuple::new(py, rest)?),
            [] => Err(Error::new(py, Kind::Type, "call() needs a function")),
        }
    }
}

/// A function that returns the number of its arguments.
struct Count;

impl Function for Count {
    const NAME: &'static CStr = c"count";
    const DOC: &'static CStr = c"";

    fn call<'py>(py: Python<'py>, arguments: Arguments<'_, 'py>) -> Result<'py, Object<'py>> {
        i64::try_from(arguments.all().len()).unwrap_or(i64::MAX).to_python(py)
    }
}

/// A function that raises its argument.
struct Raise;

impl Function for Raise {
    const NAME: &'static CStr = c"throw";
    const DOC: &'static CStr = c"";

    fn call<'py>(_: Python<'py>, arguments: Arguments<'_, 'py>) -> Result<'py, Object<'py>> {
        let [exception] = arguments.exactly()?;
        Err(Error::from_exception(exception.clone()))
    }
}

/// A function that raises a `ValueError` created in Rust.
struct Refuse;

impl Function for Refuse {
    const NAME: &'static CStr = c"refuse";
    const DOC: &'static CStr = c"";

    fn call<'py>(py: Python<'py>, _: Arguments<'_, 'py>) -> Result<'py, Object<'py>> {
        Err(Error::new(py, Kind::Value, "refused"))
    }
}

/// A function that tries to start another interpreter, and returns the error message.
struct Start;

impl Function for Start {
    const NAME: &'static CStr = c"start";
    const DOC: &'static CStr = c"";

    fn call<'py>(py: Python<'py>, _: Arguments<'_, 'py>) -> Result<'py, Object<'py>> {
        match Interpreter::start(&Config::new()) {
            Ok(_) => Ok(Object::none(py)),
            Err(error) => error.to_string().as_str().to_python(py),
        }
    }
}
