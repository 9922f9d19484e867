//! Tests that unit tests, integration tests, doctests and the tests that cargo-nextest runs can use
//! Python.

use std::path::{Path, PathBuf};

use super::edit;
use crate::checks::tools;
use crate::tool::Tool;

const LIBRARY: &str = r#"//! ```
//! assert_eq!(kinds::evaluate(c"6 * 7"), 42);
//! ```

use std::ffi::CStr;

use pyo3::prelude::*;

/// Evaluates a Python expression.
pub fn evaluate(text: &CStr) -> i64 {
    Python::initialize();
    Python::attach(|py| py.eval(text, None, None)?.extract()).expect("an integer")
}

#[cfg(test)]
mod tests {
    #[test]
    fn unit() {
        assert_eq!(super::evaluate(c"2 ** 10"), 1024);
    }
}
"#;
const INTEGRATION: &str = "#[test]\nfn integration() {\n    \
    assert_eq!(kinds::evaluate(c\"len('four')\"), 4);\n}\n";

/// Runs all kinds of tests in a crate that has a library and a binary, and whose PyO3 has the feature
/// `extension-module`.
pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = create(tool, scratch.path())?;
    tool.cargo(&dir, &["run", "--quiet"])?;
    let output = tool.cargo_stdout(&dir, &["test"])?;
    let passed =
        output.lines().filter(|line| line.starts_with("test result: ok. 1 passed")).count();
    // Unit tests of the library and the binary, integration tests, and doctests.
    anyhow::ensure!(passed == 4, "{passed} of the four kinds of tests have run");
    Ok(())
}

/// Runs the same crate's unit and integration tests with cargo-nextest, which starts a process for
/// each test.
pub(crate) fn nextest(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = create(tool, scratch.path())?;
    let nextest = tools::get(tool.shell(), "cargo-nextest")?;
    tool.program(&dir, &nextest, &["nextest", "run"])
}

fn create(tool: &Tool<'_>, scratch: &Path) -> anyhow::Result<PathBuf> {
    tool.call_in(scratch, &["new", "--template", "command", "kinds"])?;
    let dir = scratch.join("kinds");
    let features = "pyo3 = { version = \"0.30\", features = [\"extension-module\"] }";
    edit(&dir.join("Cargo.toml"), "pyo3 = \"0.30\"", features)?;
    std::fs::write(dir.join("src/lib.rs"), LIBRARY)?;
    // Cargo links Python only into targets that use the library.
    edit(
        &dir.join("src/main.rs"),
        "use pyo3::prelude::*;\n",
        "use kinds as _;\nuse pyo3::prelude::*;\n",
    )?;
    std::fs::create_dir(dir.join("tests"))?;
    std::fs::write(dir.join("tests/integration.rs"), INTEGRATION)?;
    Ok(dir)
}
