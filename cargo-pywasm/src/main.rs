//! The program `cargo pywasm`. Its code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_pywasm::main(std::env::args_os())
}
