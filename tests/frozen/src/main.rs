//! Prints what Python says, by Python's own `print`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match frozen::call("app", "main") {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
