//! Runs the functions of `python/probes.py` that the arguments name, and prints one line for each.

use std::process::ExitCode;

use pyo3::prelude::*;

fn main() -> ExitCode {
    Python::initialize();
    let names: Vec<String> = std::env::args().skip(1).collect();
    match Python::attach(|py| run(py, &names).inspect_err(|error| error.print(py))) {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Returns true if all probes passed.
fn run(py: Python<'_>, names: &[String]) -> PyResult<bool> {
    let probes = py.import("probes")?;
    probes.call_method0("read_only")?;
    let mut passed = true;
    for name in names {
        let failure: Option<String> = probes.call_method1("run", (name,))?.extract()?;
        match failure {
            None => println!("ok {name}"),
            Some(traceback) => {
                passed = false;
                println!("FAILED {name}\n{traceback}");
            }
        }
    }
    Ok(passed)
}
