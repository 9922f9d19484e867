//! Runs a Python script that can `import effects`; the crate's own demo, when none is named.

use std::process::ExitCode;

fn main() -> ExitCode {
    effects::command::run()
}
