//! Runs a Python script that can `import effects`, or the demo in this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    effects::command::run()
}
