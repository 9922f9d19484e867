//! The command: runs a script.

use std::process::ExitCode;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What runs when no script is named.
const DEMO: &str = "python/demo.py";

/// Runs the script that the command line names, with the arguments behind it.
#[must_use]
pub fn main() -> ExitCode {
    crate::start();
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() {
        words.push(DEMO.to_owned());
    }
    Python::attach(|py| match run(py, &words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The traceback; for `SystemExit`, the end with its code.
            error.print(py);
            ExitCode::FAILURE
        }
    })
}

fn run(py: Python<'_>, words: &[String]) -> PyResult<()> {
    py.import("sys")?.setattr("argv", words)?;
    let named = PyDict::new(py);
    named.set_item("run_name", "__main__")?;
    py.import("runpy")?.call_method("run_path", (&words[0],), Some(&named))?;
    Ok(())
}
