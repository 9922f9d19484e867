//! The check at the end of `install` and the whole of `verify`: a new interpreter does what
//! people will ask of it, in the embedded runtime.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::Installation;
use serde::{Deserialize, Serialize};

use crate::cpython::PREFIX;
use crate::ctx::Ctx;
use crate::runtime::{Dir, Program, Runtime};

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
    /// How many built-in modules were imported.
    pub modules: usize,
}

impl fmt::Display for SmokeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, checks, modules } = self;
        write!(
            f,
            "Python {version} runs on wasm: {modules} built-in modules import, {} checks pass",
            checks.len()
        )
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
        .env("PYWASM_CHECK", "yes")
        .dir(stdlib(python)?)
        .dir(Dir::writable(&scratch.0, "/scratch"));
    let captured = runtime.capture(&module, &program)?;
    let text = captured.text();
    let report =
        text.lines().last().and_then(|line| serde_json::from_str::<SmokeReport>(line).ok());
    let Some(report) = report.filter(|_| captured.end.is_success()) else {
        anyhow::bail!("the check ended with {}; it printed:\n{}", captured.end, text.trim_end());
    };
    anyhow::ensure!(
        report.version == python.version(),
        "it says it is Python {}, and should be {}",
        report.version,
        python.version()
    );
    Ok(report)
}

/// The standard library where the interpreter looks for it.
///
/// # Errors
/// When the path is not UTF-8.
pub(crate) fn stdlib(python: &Installation) -> anyhow::Result<Dir> {
    let guest = format!("{PREFIX}/lib/python{}", python.series());
    Ok(Dir::read_only(Utf8Path::new(&utf8(python.stdlib())?), guest))
}

fn utf8(path: std::path::PathBuf) -> anyhow::Result<Utf8PathBuf> {
    Ok(Utf8PathBuf::try_from(path)?)
}
