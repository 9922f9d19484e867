//! Runs a script, whose path is a command-line argument, in a Python with the module `effects`
//! built in.

use std::ffi::CString;
use std::process::ExitCode;

use pyo3::prelude::*;

use crate::effects;

/// Runs the script whose path is the first argument, or `python/demo.py` if there are no arguments.
pub fn run() -> ExitCode {
    pyo3::append_to_inittab!(effects);
    Python::initialize();
    Python::attach(|py| {
        let outcome = run_script(py, std::env::args_os().nth(1));
        if let Err(error) = &outcome {
            // Print the traceback. If the script raised `SystemExit`, this exits the process
            // instead.
            error.print(py);
        }
        // Flush explicitly, because Python is not finalized. Finalization would flush its buffers.
        let flushed = py.run(c"import sys; sys.stdout.flush(); sys.stderr.flush()", None, None);
        if outcome.is_ok() && flushed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}

fn run_script(py: Python<'_>, path: Option<std::ffi::OsString>) -> PyResult<()> {
    let (name, source) = match path {
        None => ("python/demo.py".into(), include_str!("../python/demo.py").to_owned()),
        Some(path) => (path.to_string_lossy().into_owned(), std::fs::read_to_string(&path)?),
    };
    PyModule::from_code(py, &CString::new(source)?, &CString::new(name)?, c"__main__")?;
    Ok(())
}
