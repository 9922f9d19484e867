//! Runs `python` with the module `fastcopy` built in.

use std::process::ExitCode;

fn main() -> ExitCode {
    deepcopy::command::run()
}
