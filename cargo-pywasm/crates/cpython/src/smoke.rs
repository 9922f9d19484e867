//! The smoke test of an interpreter. `install` runs it last, and `verify` without `--tests` runs
//! only this test.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::Installation;
use serde::{Deserialize, Serialize};

use crate::build::PREFIX;
use crate::interpreter;
use pywasm_runtime::{Captured, Dir, Runtime};
use pywasm_store::Ctx;

/// The test program. It prints one line of JSON.
const SCRIPT: &str = include_str!("smoke.py");

/// The result of a successful smoke test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeReport {
    /// The first word of `sys.version`.
    pub version: String,
    /// The names of the checks that passed.
    pub checks: Vec<String>,
    /// The checks that did not run, each with the missing module that it needs.
    pub left_out: Vec<String>,
    /// The number of built-in modules that were imported.
    pub modules: usize,
}

impl fmt::Display for SmokeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, checks, left_out, modules } = self;
        write!(
            f,
            "Python {version} runs on wasm: {modules} built-in modules imported, {} checks passed",
            checks.len()
        )?;
        if !left_out.is_empty() {
            write!(f, ", left out: {}", left_out.join(", "))?;
        }
        Ok(())
    }
}

/// Runs the smoke test on an installation, which may still be in its staging directory.
///
/// # Errors
/// When the interpreter cannot be run, fails a check, or has the wrong version.
pub fn check(python: &Installation, ctx: &Ctx) -> anyhow::Result<SmokeReport> {
    let runtime = Runtime::new(ctx)?;
    let scratch = tempfile::tempdir()?;
    let scratch =
        Utf8PathBuf::try_from(scratch.path().to_path_buf()).map(|path| (path, scratch))?;
    let module = runtime.load(&utf8(python.python_wasm())?)?;
    let program = interpreter(&runtime)
        .args(["-c", SCRIPT])
        .args(python.modules().iter().copied())
        .arg("--")
        .args(absent(python)?)
        .env("PYWASM_CHECK", "yes")
        .dir(stdlib(python)?)
        .dir(Dir::read_only(&utf8(python.lib_dir())?, "/product"))
        .dir(Dir::writable(&scratch.0, "/scratch"));
    let captured = runtime.capture(&module, &program)?;
    let report = read(&captured)?;
    anyhow::ensure!(
        is_version(&report.version, python.version()),
        "the interpreter reports Python {}, but {} is expected",
        report.version,
        python.version()
    );
    Ok(report)
}

/// Parses the report, which must be the whole output.
fn read(captured: &Captured) -> anyhow::Result<SmokeReport> {
    let text = captured.text();
    let text = text.trim_end();
    anyhow::ensure!(
        captured.end.is_success(),
        "the smoke test ended with {}; its output:\n{text}",
        captured.end
    );
    serde_json::from_str(text).map_err(|_| {
        anyhow::anyhow!("the smoke test did not print exactly one report; its output:\n{text}")
    })
}

/// Returns the extension modules that were not built, according to the manifest.
fn absent(python: &Installation) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Manifest {
        modules: Modules,
    }
    #[derive(Deserialize)]
    struct Modules {
        #[serde(default)]
        left_out: Vec<LeftOut>,
    }
    #[derive(Deserialize)]
    struct LeftOut {
        name: String,
    }
    let manifest: Manifest = serde_json::from_str(python.manifest())?;
    Ok(manifest.modules.left_out.into_iter().map(|module| module.name).collect())
}

/// Returns the directory of the standard library, mounted where the interpreter expects it.
///
/// # Errors
/// When the installation's path is not UTF-8.
pub fn stdlib(python: &Installation) -> anyhow::Result<Dir> {
    let guest = format!("{PREFIX}/lib/python{}", python.series());
    Ok(Dir::read_only(Utf8Path::new(&utf8(python.stdlib())?), guest))
}

/// Returns the parent directory of the standard library's zip, mounted so that the zip is where the
/// interpreter expects it.
///
/// # Errors
/// When the installation's path is not UTF-8.
pub fn stdlib_zip(python: &Installation) -> anyhow::Result<Dir> {
    let zip = utf8(python.stdlib_zip())?;
    let dir = zip.parent().unwrap_or(&zip);
    Ok(Dir::read_only(dir, format!("{PREFIX}/lib")))
}

fn utf8(path: std::path::PathBuf) -> anyhow::Result<Utf8PathBuf> {
    Ok(Utf8PathBuf::try_from(path)?)
}

/// Returns true if an interpreter that reports `reported` is of the release. The text may continue, as
/// in `3.15.0rc2`, and in `3.14.11+` for a checkout.
fn is_version(reported: &str, release: &str) -> bool {
    let rest = reported.strip_prefix(release);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
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
    fn report_lists_what_passed_and_what_is_left_out() {
        let report = read(&captured(End::Exit(0), &format!("{REPORT}\n"))).unwrap();
        assert_eq!(
            report.to_string(),
            "Python 3.13.15 runs on wasm: 60 built-in modules imported, 1 checks passed, \
             left out: hashes (no _sha2)"
        );
    }

    #[test]
    fn failed_check_shows_its_output() {
        let output = "Traceback\ncheck files failed: OSError()\n";
        for end in [End::Exit(1), End::Trap("unreachable".to_owned())] {
            let error = read(&captured(end.clone(), output)).unwrap_err().to_string();
            assert!(error.contains("check files failed") && error.contains(&end.to_string()));
        }
    }

    #[test]
    fn other_output_is_an_error() {
        let output = format!("Could not find platform dependent libraries\n{REPORT}\n");
        for output in [output.as_str(), ""] {
            assert!(read(&captured(End::Exit(0), output)).is_err(), "{output}");
        }
    }

    #[test]
    fn version_may_have_a_suffix() {
        for version in ["3.14.1", "3.14.1+", "3.14.1rc2"] {
            assert!(is_version(version, "3.14.1"), "{version}");
        }
        assert!(!is_version("3.14.11", "3.14.1") && !is_version("3.14.0", "3.14.1"));
    }
}
