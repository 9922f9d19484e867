//! The command line of `python`, with the module `fastcopy` built in.

use std::ffi::CString;
use std::process::ExitCode;

use crate::{fastcopy, raw};

/// Runs Python with the arguments of this process and returns its exit code.
pub fn run() -> ExitCode {
    pyo3::append_to_inittab!(fastcopy);
    let arguments: Result<Vec<CString>, _> =
        std::env::args_os().map(|argument| CString::new(argument.into_encoded_bytes())).collect();
    let Ok(arguments) = arguments else {
        // This cannot happen, because process arguments contain no NUL.
        return ExitCode::from(2);
    };
    ExitCode::from(u8::try_from(raw::python_main(&arguments)).unwrap_or(u8::MAX))
}
