//! How the embedded runtime runs an interpreter.

use pywasm_runtime::{Program, Runtime};

/// The environment variable that tells an interpreter the size of its host's stack in bytes. It has
/// precedence over the recipe. `guest/stack.c` reads it.
const HOST_STACK: &str = "PYWASM_HOST_STACK";

/// Describes a program that is an interpreter. Unlike the modules of crates, which behave as on
/// their own hosts, it makes use of the runtime's whole stack.
#[must_use]
pub fn interpreter(runtime: &Runtime) -> Program {
    Program::new("python").env(HOST_STACK, runtime.stack().to_string())
}
