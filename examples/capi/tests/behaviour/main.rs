//! Tests the behaviour of the layer, including its reference counts.
//!
//! libtest runs the tests one after another in one process. Each test starts and finalizes its own
//! interpreter.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and no test is called by Python"
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

/// Runs a test in a new interpreter that can import the module `native`.
fn with_python(test: impl for<'py> FnOnce(Python<'py>) -> Result<'py, ()>) {
    let config = Config::new().argument("behaviour").module::<native::Native>();
    let interpreter = Interpreter::start(&config).unwrap();
    if let Err(error) = test(interpreter.python()) {
        panic!("{error:?}");
    }
    interpreter.finalize().unwrap();
}

/// Runs code in a new scope and returns the scope.
fn scope<'py>(py: Python<'py>, code: &str) -> Result<'py, Scope<'py>> {
    let scope = Scope::new(py)?;
    scope.exec(code)?;
    Ok(scope)
}

/// Evaluates an expression in a new scope.
fn eval<'py>(py: Python<'py>, expression: &str) -> Result<'py, capi::Object<'py>> {
    Scope::new(py)?.eval(expression)
}

/// Returns the exception in a result, formatted as `Class: message`.
#[track_caller]
fn raised<T>(result: Result<'_, T>) -> String {
    match result {
        Ok(_) => panic!("nothing was raised"),
        Err(error) => error.to_string(),
    }
}
