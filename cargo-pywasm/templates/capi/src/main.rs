//! A command with embedded Python that uses only the C API.
//!
//! libpython contains functions, not macros. Instead of a C API macro, call the function that the
//! macro expands to.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::process::ExitCode;

/// An opaque `PyObject`.
#[repr(C)]
struct Object {
    _private: [u8; 0],
}

#[allow(non_snake_case)]
unsafe extern "C" {
    fn Py_Initialize();
    fn Py_DecRef(object: *mut Object);
    fn PyErr_Print();
    fn PyImport_AddModuleRef(name: *const c_char) -> *mut Object;
    fn PyLong_AsLong(object: *mut Object) -> c_long;
    fn PyObject_GetAttrString(object: *mut Object, name: *const c_char) -> *mut Object;
    fn PyRun_SimpleString(code: *const c_char) -> c_int;
}

const CODE: &CStr = c"
import sys
answer = sum(range(10)) - 3
print(f'Hello from Python {sys.version.split()[0]} inside WebAssembly', flush=True)
";

fn main() -> ExitCode {
    // SAFETY: Python is initialized first and only once, and there is only one thread.
    let answer = unsafe {
        Py_Initialize();
        run(CODE).and_then(|()| integer(c"answer"))
    };
    match answer {
        Some(answer) => {
            println!("Rust read {answer}");
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

/// Runs code in `__main__`. If the code raises an exception, prints it and returns `None`.
///
/// # Safety
/// Python must be initialized.
unsafe fn run(code: &CStr) -> Option<()> {
    // SAFETY: Python is initialized, and the string outlives the call.
    (unsafe { PyRun_SimpleString(code.as_ptr()) } == 0).then_some(())
}

/// Returns the value of an integer variable in `__main__`. If the variable does not exist, prints
/// the exception and returns `None`.
///
/// # Safety
/// Python must be initialized.
unsafe fn integer(name: &CStr) -> Option<c_long> {
    // SAFETY: Python is initialized; each object is checked for null and released once.
    unsafe {
        let module = PyImport_AddModuleRef(c"__main__".as_ptr());
        if module.is_null() {
            PyErr_Print();
            return None;
        }
        let object = PyObject_GetAttrString(module, name.as_ptr());
        Py_DecRef(module);
        if object.is_null() {
            PyErr_Print();
            return None;
        }
        let value = PyLong_AsLong(object);
        Py_DecRef(object);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_reads_the_answer() {
        // SAFETY: Python is initialized first and only once, and there is only one thread.
        let answer = unsafe {
            Py_Initialize();
            run(CODE).and_then(|()| integer(c"answer"))
        };
        assert_eq!(answer, Some(42));
    }
}
