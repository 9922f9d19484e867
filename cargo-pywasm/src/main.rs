//! The program `cargo pywasm`; the library has its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_pywasm::main(std::env::args_os())
}
