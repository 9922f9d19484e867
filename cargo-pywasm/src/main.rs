//! `cargo pywasm`: see the library for what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_pywasm::main(std::env::args_os())
}
