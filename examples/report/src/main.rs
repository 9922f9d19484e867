//! Reads a report from stdin and prints its page, or with `--summary`, a table.

use std::io::Read as _;
use std::process::ExitCode;

use pyo3::Python;

fn main() -> ExitCode {
    let mut json = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut json) {
        eprintln!("error: cannot read the report: {error}");
        return ExitCode::FAILURE;
    }
    let is_summary = std::env::args().any(|arg| arg == "--summary");
    let text = if is_summary { report::summary(&json) } else { report::page(&json) };
    match text {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            Python::attach(|py| error.print(py));
            ExitCode::FAILURE
        }
    }
}
