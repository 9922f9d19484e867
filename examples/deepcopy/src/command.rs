//! The command: `python`, with the module `fastcopy` built in.
//!
//! It reads its arguments as `python` does and adds none. It never exits the process itself.

use std::ffi::CString;
use std::process::ExitCode;

use crate::{fastcopy, raw};

/// Runs Python with this process's arguments and returns what to exit with.
pub fn run() -> ExitCode {
    pyo3::append_to_inittab!(fastcopy);
    let arguments: Result<Vec<CString>, _> =
        std::env::args_os().map(|argument| CString::new(argument.into_encoded_bytes())).collect();
    let Ok(arguments) = arguments else {
        // No system passes such arguments: they end at their first NUL.
        return ExitCode::from(2);
    };
    ExitCode::from(u8::try_from(raw::python_main(&arguments)).unwrap_or(u8::MAX))
}
