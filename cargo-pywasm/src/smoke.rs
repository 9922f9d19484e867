//! The check at the end of `install` and the whole of `verify`: a new interpreter does what
//! people will ask of it, in the embedded runtime.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::Installation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cpython::PREFIX;
use pywasm_runtime::{Captured, Dir, Program, Runtime};
use pywasm_store::Ctx;

/// Runs every check and prints one line of JSON. Each check is a function, so that one that
/// raises is told from one that is missing.
const SCRIPT: &str = include_str!("smoke.py");

/// What the new interpreter said of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeReport {
    /// `sys.version`, its first word.
    pub version: String,
    /// The checks that passed, by name.
    pub checks: Vec<String>,
    /// The checks that need a module which the recipe left out, by name, with that module.
    pub left_out: Vec<String>,
    /// How many built-in modules were imported.
    pub modules: usize,
}

impl fmt::Display for SmokeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, checks, left_out, modules } = self;
        write!(
            f,
            "Python {version} runs on wasm: {modules} built-in modules import, {} checks pass",
            checks.len()
        )?;
        if !left_out.is_empty() {
            write!(f, ", left out: {}", left_out.join(", "))?;
        }
        Ok(())
    }
}

/// Runs the checks on the installation, wherever it is: in the store or still in staging.
///
/// # Errors
/// When the interpreter can't be run, fails a check, or is not the version it should be.
pub fn check(python: &Installation, ctx: &Ctx) -> anyhow::Result<SmokeReport> {
    let runtime = Runtime::new(ctx)?;
    let scratch = tempfile::tempdir()?;
    let scratch =
        Utf8PathBuf::try_from(scratch.path().to_path_buf()).map(|path| (path, scratch))?;
    let module = runtime.load(&utf8(python.python_wasm())?)?;
    let program = Program::new("python")
        .args(["-c", SCRIPT])
        .args(python.modules().iter().copied())
        .arg("--")
        .args(absent(python))
        .env("PYWASM_CHECK", "yes")
        .dir(stdlib(python)?)
        .dir(Dir::read_only(&utf8(python.lib_dir())?, "/product"))
        .dir(Dir::writable(&scratch.0, "/scratch"));
    let captured = runtime.capture(&module, &program)?;
    let report = read(&captured)?;
    anyhow::ensure!(
        report.version == python.version(),
        "it says it is Python {}, and should be {}",
        report.version,
        python.version()
    );
    Ok(report)
}

/// The report, which is all that a sound interpreter prints.
fn read(captured: &Captured) -> anyhow::Result<SmokeReport> {
    let text = captured.text();
    let text = text.trim_end();
    anyhow::ensure!(
        captured.end.is_success(),
        "the check ended with {}; it printed:\n{text}",
        captured.end
    );
    serde_json::from_str(text).map_err(|_| {
        anyhow::anyhow!("the check prints more than its report, or none; it printed:\n{text}")
    })
}

/// The modules that the manifest says were not built.
fn absent(python: &Installation) -> impl Iterator<Item = &str> {
    let left_out = python.manifest().pointer("/modules/left_out").and_then(Value::as_array);
    left_out.into_iter().flatten().filter_map(|module| module["name"].as_str())
}

/// The standard library where the interpreter looks for it.
///
/// # Errors
/// When the path is not UTF-8.
pub(crate) fn stdlib(python: &Installation) -> anyhow::Result<Dir> {
    let guest = format!("{PREFIX}/lib/python{}", python.series());
    Ok(Dir::read_only(Utf8Path::new(&utf8(python.stdlib())?), guest))
}

/// The directory with the standard library's zip, where the interpreter looks for it.
///
/// # Errors
/// When the installation's path is not UTF-8.
pub(crate) fn stdlib_zip(python: &Installation) -> anyhow::Result<Dir> {
    let zip = utf8(python.stdlib_zip())?;
    let dir = zip.parent().unwrap_or(&zip);
    Ok(Dir::read_only(dir, format!("{PREFIX}/lib")))
}

fn utf8(path: std::path::PathBuf) -> anyhow::Result<Utf8PathBuf> {
    Ok(Utf8PathBuf::try_from(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_runtime::End;

    const REPORT: &str = r#"{"version": "3.13.15", "checks": ["files"], "left_out": ["hashes (no _sha2)"], "modules": 60}"#;

    fn captured(end: End, output: &str) -> Captured {
        Captured { end, output: output.as_bytes().to_vec() }
    }

    #[test]
    fn a_report_says_what_passed_and_what_could_not() {
        let report = read(&captured(End::Exit(0), &format!("{REPORT}\n"))).unwrap();
        assert_eq!(
            report.to_string(),
            "Python 3.13.15 runs on wasm: 60 built-in modules import, 1 checks pass, \
             left out: hashes (no _sha2)"
        );
    }

    #[test]
    fn a_failed_check_shows_what_it_printed() {
        let output = "Traceback\ncheck files failed: OSError()\n";
        for end in [End::Exit(1), End::Trap("unreachable".to_owned())] {
            let error = read(&captured(end.clone(), output)).unwrap_err().to_string();
            assert!(error.contains("check files failed") && error.contains(&end.to_string()));
        }
    }

    #[test]
    fn an_interpreter_that_complains_at_start_is_not_sound() {
        let output = format!("Could not find platform dependent libraries\n{REPORT}\n");
        for output in [output.as_str(), ""] {
            assert!(read(&captured(End::Exit(0), output)).is_err(), "{output}");
        }
    }
}
