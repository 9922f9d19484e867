//! Runs test files, each in its own instance of the interpreter.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::Installation;

use super::parse::Outcome;
use super::select::TestFile;
use super::summary::FileResult;
use crate::build::PREFIX;
use crate::interpreter;
use pywasm_runtime::{Bounds, Dir, End, Module, Runtime};
use pywasm_store::Bucket;
use pywasm_store::Ctx;

/// The inputs that all test files share.
#[derive(Debug)]
pub struct Job<'a> {
    /// The interpreter under test.
    pub python: &'a Installation,
    /// The directory of the standard library that contains the test suite.
    pub suite: &'a Utf8Path,
    /// The directory for the logs, one per test file.
    pub logs: &'a Utf8Path,
    /// The time limit for one test file.
    pub timeout: Duration,
}

/// Copies the standard library of the source tree into the store, and adds the installation's
/// generated files. Tests need a copy, because they write next to the modules that they test, but
/// must not change the source tree or the installation. Returns the directory of the copy.
///
/// # Errors
/// When the library cannot be copied.
pub fn prepare(python: &Installation, lib: &Utf8Path, ctx: &Ctx) -> anyhow::Result<Utf8PathBuf> {
    let name = python.root().file_name().context("an installation without a name")?;
    let key = format!("{}-suite", name.to_string_lossy());
    let suite = ctx.store.entry(Bucket::Builds, &key);
    let _lock = ctx.store.lock(&key, &ctx.reporter)?;
    if suite.exists() {
        return Ok(suite);
    }
    ctx.reporter.status("Preparing", "CPython's test suite");
    let stage = ctx.store.stage(Bucket::Builds)?;
    crate::install::copy_dir(lib, stage.path())?;
    fs_err::create_dir_all(stage.path().join("lib-dynload"))?;
    for entry in Utf8PathBuf::try_from(python.stdlib())?.read_dir_utf8()? {
        let entry = entry?;
        let target = stage.path().join(entry.file_name());
        // These are the files that the build has generated, such as the data of sysconfig.
        if entry.path().is_file() && !target.exists() {
            fs_err::copy(entry.path(), target)?;
        }
    }
    stage.commit(&suite)?;
    Ok(suite)
}

/// Runs the test files, up to `ctx.jobs` of them in parallel, and calls `done` after each file.
///
/// # Errors
/// When the interpreter cannot be run. A failing test is a result, not an error.
pub fn run_all(
    job: &Job<'_>,
    files: &[TestFile],
    ctx: &Ctx,
    mut done: impl FnMut(&FileResult),
) -> anyhow::Result<Vec<FileResult>> {
    let runtime =
        Runtime::bounded(Bounds { timeout: Some(job.timeout), ..Bounds::default() }, ctx)?;
    let module = runtime.load(&Utf8PathBuf::try_from(job.python.python_wasm())?)?;
    fs_err::create_dir_all(job.logs)?;
    let queue: Mutex<VecDeque<_>> = Mutex::new(files.iter().collect());
    let (sender, results) = mpsc::channel();
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..ctx.jobs.get() {
            let (sender, queue, runtime, module) = (sender.clone(), &queue, &runtime, &module);
            scope.spawn(move || {
                while let Some(file) = next(queue) {
                    if sender.send(run_one(job, file, runtime, module)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for result in results {
            let result = result?;
            done(&result);
            all.push(result);
        }
        anyhow::Ok(())
    })?;
    all.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(all)
}

fn next<'q, T>(queue: &Mutex<VecDeque<&'q T>>) -> Option<&'q T> {
    queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front()
}

fn run_one(
    job: &Job<'_>,
    file: &TestFile,
    runtime: &Runtime,
    module: &Module,
) -> anyhow::Result<FileResult> {
    let log = job.logs.join(format!("{}.log", file.name));
    let start = Instant::now();
    // -W prints the whole output of failed tests.
    let (end, output) = regrtest(job, file, "-W", &log, runtime, module)?;
    let mut outcome = Outcome::read(&end, &output);
    if outcome.is_vague() {
        let (_, output) = regrtest(job, file, "-v", &log, runtime, module)?;
        outcome = outcome.with_reason_of_cases(&output);
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(FileResult { file: file.name.clone(), outcome, log, seconds })
}

/// Runs regrtest for one test file, in a new instance with a new root directory. Returns how the
/// program ended, and its output.
fn regrtest(
    job: &Job<'_>,
    file: &TestFile,
    verbosity: &str,
    log: &Utf8Path,
    runtime: &Runtime,
    module: &Module,
) -> anyhow::Result<(End, String)> {
    let scratch = tempfile::tempdir()?;
    let root = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
    fs_err::create_dir(root.join("tmp"))?;
    let mut program = interpreter(runtime)
        .args(["-m", "test", verbosity, "--tempdir", "/tmp"])
        .env("TMPDIR", "/tmp")
        .dir(Dir::writable(job.suite, format!("{PREFIX}/lib/python{}", job.python.series())))
        // Tests read `/` and create temporary directories in `/tmp`.
        .dir(Dir::writable(&root, "/"));
    for pattern in &file.only {
        program = program.args(["-m", pattern]);
    }
    // regrtest applies the last matching pattern, so exclusions come last.
    for pattern in &file.ignored {
        program = program.args(["-i", *pattern]);
    }
    let log_file = fs_err::File::create(log)?.into_parts().0;
    let end = runtime
        .run_into(module, &program.arg(&file.name), log_file)
        .with_context(|| format!("cannot run {}", file.name))?;
    let output = String::from_utf8_lossy(&fs_err::read(log)?).into_owned();
    Ok((end, output))
}
