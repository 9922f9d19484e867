//! A Rust program that runs Python code, without PyO3, whose compilation would dominate times.

/// Returns the program's source. `code` is the Python code, which contains no `"` and no `\`.
pub(super) fn source(code: &str) -> String {
    SOURCE.replace("CODE", code)
}

const SOURCE: &str = r#"use std::ffi::{c_char, c_int};

unsafe extern "C" {
    fn Py_Initialize();
    fn PyRun_SimpleString(code: *const c_char) -> c_int;
}

fn main() {
    // SAFETY: Python is initialized first, and the string outlives the call.
    let code = unsafe {
        Py_Initialize();
        PyRun_SimpleString(c"CODE".as_ptr())
    };
    assert_eq!(code, 0);
}
"#;
