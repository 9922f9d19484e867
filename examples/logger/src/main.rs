//! Runs a Python script with the module `logger` built in.

use std::process::ExitCode;

fn main() -> ExitCode {
    logger::main()
}
