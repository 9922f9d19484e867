//! `_sysconfigdata`: what `sysconfig` in the new interpreter knows of its build.
//!
//! Upstream lets the build Python run `sysconfig --generate-posix-vars` over the host's
//! Makefile; the new interpreter itself does the same and writes the same bytes.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::MinorVersion;

use super::environment::SOURCE_DATE_EPOCH;
use super::make::INTERPRETER;
use super::source::SourceTree;
use super::step::Logs;
use pywasm_runtime::{Dir, Program, Runtime};

/// The file's name: CPython's `_sysconfigdata_<abiflags>_<platform>_<multiarch>`.
pub(super) const FILE: &str = "_sysconfigdata__wasi_wasm32-wasi.py";

/// Makes the file and returns its path.
pub(super) fn generate(
    series: MinorVersion,
    source: &SourceTree,
    dir: &Utf8Path,
    logs: &Logs,
    runtime: &Runtime,
) -> anyhow::Result<Utf8PathBuf> {
    // The interpreter recognises a build directory by this file, and overwrites it.
    fs_err::write(dir.join("pybuilddir.txt"), "none")?;
    let module = runtime.load(&dir.join(INTERPRETER))?;
    let program = Program::new("python")
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
    let made = dir.join(format!("build/lib.wasi-wasm32-{series}")).join(FILE);
    if !outcome.end.is_success() || !made.exists() {
        return Err(anyhow::anyhow!("{}; the log is `{log}`", outcome.end))
            .context("the new interpreter can't generate its sysconfig data");
    }
    Ok(made)
}
