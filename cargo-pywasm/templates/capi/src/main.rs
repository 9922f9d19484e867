//! A command with Python inside, over the C API alone.
//!
//! libpython exports functions; a macro of the C API has to be called by the function behind it.
//! The guide "Python in your crate" lists them.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::process::ExitCode;

/// A `PyObject`, of which this crate knows nothing but the address.
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
    // SAFETY: Python is initialized first, and once; this is its only thread.
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

/// Runs code in `__main__`. An exception is printed.
///
/// # Safety
/// Python is initialized.
unsafe fn run(code: &CStr) -> Option<()> {
    // SAFETY: the caller's; the string lives as long as the call.
    (unsafe { PyRun_SimpleString(code.as_ptr()) } == 0).then_some(())
}

/// An integer of `__main__`. An exception is printed.
///
/// # Safety
/// Python is initialized.
unsafe fn integer(name: &CStr) -> Option<c_long> {
    // SAFETY: the caller's; each object is one that the function before it gave us, not null, and
    // is released once.
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
    fn python_counts() {
        // SAFETY: Python is initialized first, and once; this is its only thread.
        let answer = unsafe {
            Py_Initialize();
            run(CODE).and_then(|()| integer(c"answer"))
        };
        assert_eq!(answer, Some(42));
    }
}
