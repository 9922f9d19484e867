//! Runs a script whose path is a command-line argument.

use std::process::ExitCode;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The script to run if there are no arguments.
const DEMO: &str = "python/demo.py";

/// Runs the script whose path is the first argument, and passes it the remaining arguments.
#[must_use]
pub fn main() -> ExitCode {
    crate::start();
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.is_empty() {
        args.push(DEMO.to_owned());
    }
    Python::attach(|py| match run(py, &args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Prints the traceback, or exits with the code of a `SystemExit`.
            error.print(py);
            ExitCode::FAILURE
        }
    })
}

fn run(py: Python<'_>, args: &[String]) -> PyResult<()> {
    py.import("sys")?.setattr("argv", args)?;
    let kwargs = PyDict::new(py);
    kwargs.set_item("run_name", "__main__")?;
    py.import("runpy")?.call_method("run_path", (&args[0],), Some(&kwargs))?;
    Ok(())
}
