//! The `python` command line in one file that contains the standard library.
//!
//! It accepts the same arguments and environment variables as CPython, and exits with the same
//! codes.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::os::wasi::ffi::OsStringExt;

use pyo3_ffi::{
    Py_ExitStatusException, Py_InitializeFromConfig, Py_RunMain, PyConfig, PyConfig_Clear,
    PyConfig_InitPythonConfig, PyConfig_SetBytesArgv, PyStatus, PyStatus_Exception,
};

fn main() {
    // WASI arguments cannot contain NUL.
    let args: Vec<CString> =
        std::env::args_os().map(|arg| CString::new(arg.into_vec()).unwrap_or_default()).collect();
    std::process::exit(run(&args));
}

/// Runs Python with a command line and returns the exit code.
fn run(args: &[CString]) -> i32 {
    let mut argv: Vec<*const c_char> = args.iter().map(|arg| arg.as_ptr()).collect();
    let mut config = MaybeUninit::<PyConfig>::uninit();
    #[allow(unsafe_code, reason = "the C API of Python")]
    // SAFETY: the configuration is initialized before its first use and cleared after its last use.
    // `argv` contains `argc` strings, which outlive the call that copies them.
    unsafe {
        PyConfig_InitPythonConfig(config.as_mut_ptr());
        let config = config.assume_init_mut();
        let argc = isize::try_from(argv.len()).unwrap_or_default();
        exit_on_exception(PyConfig_SetBytesArgv(config, argc, argv.as_mut_ptr()));
        exit_on_exception(Py_InitializeFromConfig(config));
        PyConfig_Clear(config);
        Py_RunMain()
    }
}

/// Exits the process if the status requests it, as after `--version`, or if Python could not start.
fn exit_on_exception(status: PyStatus) {
    #[allow(unsafe_code, reason = "the C API of Python")]
    // SAFETY: the functions read a status that Python returned.
    unsafe {
        if PyStatus_Exception(status) != 0 {
            Py_ExitStatusException(status);
        }
    }
}
