//! Generates `_sysconfigdata`, which contains the build's variables for the new interpreter's
//! `sysconfig` module.
//!
//! Upstream runs `sysconfig --generate-posix-vars` with a native Python. Here, the new interpreter
//! runs that command and writes the same bytes.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::MinorVersion;

use super::environment::SOURCE_DATE_EPOCH;
use super::make::INTERPRETER;
use super::source::SourceTree;
use super::step::Logs;
use crate::interpreter;
use pywasm_runtime::{Dir, Runtime};

/// The name of the file. CPython's pattern is `_sysconfigdata_<abiflags>_<platform>_<multiarch>`.
pub(super) const FILE: &str = "_sysconfigdata__wasi_wasm32-wasi.py";

/// Writes the file and returns its path.
pub(super) fn generate(
    series: MinorVersion,
    source: &SourceTree,
    dir: &Utf8Path,
    logs: &Logs,
    runtime: &Runtime,
) -> anyhow::Result<Utf8PathBuf> {
    // Python recognizes a build directory by this file, which the interpreter then overwrites.
    fs_err::write(dir.join("pybuilddir.txt"), "none")?;
    let module = runtime.load(&dir.join(INTERPRETER))?;
    let program = interpreter(runtime)
        .args(["-S", "-m", "sysconfig", "--generate-posix-vars"])
        .env("_PYTHON_PROJECT_BASE", dir.as_str())
        .env("_PYTHON_HOST_PLATFORM", "wasi-wasm32")
        .env("_PYTHON_SYSCONFIGDATA_NAME", FILE.trim_end_matches(".py"))
        .env("PYTHONPATH", source.lib().as_str())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)
        .dir(Dir::read_only(source.root(), source.root().as_str()))
        .dir(Dir::writable(dir, dir.as_str()))
        .dir(Dir::writable(dir, "/"));
    let outcome = runtime.capture(&module, &program)?;
    let log = logs.next("sysconfig");
    fs_err::write(&log, outcome.text())?;
    let generated = dir.join(format!("build/lib.wasi-wasm32-{series}")).join(FILE);
    if !outcome.end.is_success() || !generated.exists() {
        return Err(anyhow::anyhow!("{}; see `{log}`", outcome.end))
            .context("the new interpreter cannot generate its sysconfig data");
    }
    Ok(generated)
}
