//! Calls `app.main`, which prints with Python's `print`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match frozen::call("app", "main") {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
