//! A command with embedded Python: `python/app.py` is the program, and calls functions written in
//! Rust. Cargo.toml lists it, so that the build embeds it.

use std::process::ExitCode;
use std::sync::Once;

use pyo3::prelude::*;

/// The Rust code that Python imports as the module `host`.
#[pymodule]
mod host {
    use pyo3::prelude::*;

    /// Returns the number of words in a text.
    #[pyfunction]
    fn count_words(text: &str) -> usize {
        text.split_whitespace().count()
    }
}

fn main() -> ExitCode {
    start_python();
    Python::attach(|py| match run(py, std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Prints the traceback. For a `SystemExit`, exits with its code instead.
            error.print(py);
            ExitCode::FAILURE
        }
    })
}

/// Registers the Python module written in Rust, and then starts Python. A module cannot be
/// registered after Python has started.
fn start_python() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        pyo3::append_to_inittab!(host);
        Python::initialize();
    });
}

fn run(py: Python<'_>, args: Vec<String>) -> PyResult<()> {
    py.import("app")?.getattr("main")?.call1((args,))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_calls_rust() {
        start_python();
        Python::attach(|py| {
            let count = py
                .import("host")?
                .getattr("count_words")?
                .call1(("one two three",))?;
            assert_eq!(count.extract::<usize>()?, 3);
            run(py, vec!["test".to_owned()])
        })
        .expect("no exception");
    }
}
