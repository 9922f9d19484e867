//! What the layer does, and that it counts references right.
//!
//! libtest runs the tests one after another in one process; each starts a Python of its own and
//! ends it.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; nothing of Python's is above it"
)]

mod convert;
mod dict;
mod error;
mod interpreter;
mod module;
mod native;
mod object;
mod references;
mod scope;
mod tuple;

use capi::{Config, Interpreter, Python, Result, Scope};

/// Runs a test with a new Python, to which the module `native` is known.
fn with_python(test: impl for<'py> FnOnce(Python<'py>) -> Result<'py, ()>) {
    let config = Config::new().argument("behaviour").module::<native::Native>();
    let interpreter = Interpreter::start(&config).unwrap();
    if let Err(error) = test(interpreter.python()) {
        panic!("{error:?}");
    }
    interpreter.finalize().unwrap();
}

/// A scope in which this code has run.
fn scope<'py>(py: Python<'py>, code: &str) -> Result<'py, Scope<'py>> {
    let scope = Scope::new(py)?;
    scope.exec(code)?;
    Ok(scope)
}

/// The value of an expression.
fn eval<'py>(py: Python<'py>, expression: &str) -> Result<'py, capi::Object<'py>> {
    Scope::new(py)?.eval(expression)
}

/// What an expression or a program raises, as `Class: message`.
#[track_caller]
fn raised<T>(result: Result<'_, T>) -> String {
    match result {
        Ok(_) => panic!("nothing was raised"),
        Err(error) => error.to_string(),
    }
}
