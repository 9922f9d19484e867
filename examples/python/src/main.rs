//! The `python` of the command line in a file that needs no other: its library is inside.
//!
//! It takes what CPython's own takes, `-c`, `-m`, a script, the variables, and ends with the same codes.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::os::wasi::ffi::OsStringExt;

use pyo3_ffi::{
    Py_ExitStatusException, Py_InitializeFromConfig, Py_RunMain, PyConfig, PyConfig_Clear,
    PyConfig_InitPythonConfig, PyConfig_SetBytesArgv, PyStatus, PyStatus_Exception,
};

fn main() {
    // WASI gives no argument with a zero inside.
    let args: Vec<CString> =
        std::env::args_os().map(|arg| CString::new(arg.into_vec()).unwrap_or_default()).collect();
    std::process::exit(python(&args));
}

/// Runs Python on a command line; its exit code.
fn python(args: &[CString]) -> i32 {
    let mut argv: Vec<*const c_char> = args.iter().map(|arg| arg.as_ptr()).collect();
    let mut config = MaybeUninit::<PyConfig>::uninit();
    #[allow(unsafe_code, reason = "the C API of Python")]
    // SAFETY: the configuration is initialized by the first call and cleared after the last that uses it;
    // `argv` has as many texts as is said, and they outlive the call that copies them.
    unsafe {
        PyConfig_InitPythonConfig(config.as_mut_ptr());
        let config = config.assume_init_mut();
        // It looks for a library on the disk, and finds none: the library is inside.
        config.pathconfig_warnings = 0;
        let argc = isize::try_from(argv.len()).unwrap_or_default();
        ended(PyConfig_SetBytesArgv(config, argc, argv.as_mut_ptr()));
        ended(Py_InitializeFromConfig(config));
        PyConfig_Clear(config);
        Py_RunMain()
    }
}

/// Ends the program where Python says so: after `--version`, or when it can't start.
fn ended(status: PyStatus) {
    #[allow(unsafe_code, reason = "the C API of Python")]
    // SAFETY: they read the status that Python has just made.
    unsafe {
        if PyStatus_Exception(status) != 0 {
            Py_ExitStatusException(status);
        }
    }
}
