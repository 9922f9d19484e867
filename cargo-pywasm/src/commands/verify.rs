//! `cargo pywasm verify`: checks an installed interpreter.

use std::time::Duration;

use anyhow::Context;
use camino::Utf8PathBuf;
use serde::Serialize;

use crate::config::{Selection, Workspace};
use crate::exit::Exit;
use crate::installed;
use pywasm_cpython::install::sources_of;
use pywasm_cpython::smoke::{self, SmokeReport};
use pywasm_cpython::testsuite::{FileResult, Job, Outcome, Summary, prepare, run_all, select};
use pywasm_session::Message;
use pywasm_store::Bucket;
use pywasm_store::Ctx;

/// Check an installed interpreter, optionally with CPython's own test suite
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Run CPython's test suite: all of it, or only these files or cases, such as `test_json` or
    /// `test_json.test_decode`
    #[arg(long, value_name = "NAMES", num_args = 0.., value_delimiter = ',')]
    tests: Option<Vec<String>>,
    /// Also run tests that are known to fail on WASI
    #[arg(long, requires = "tests")]
    include_excluded: bool,
    /// Time limit per test file
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "20m")]
    timeout: Duration,
}

#[derive(Serialize)]
struct SmokeMessage<'a> {
    report: &'a SmokeReport,
}

impl Message for SmokeMessage<'_> {
    const REASON: &'static str = "verified";
}

/// Runs the command.
///
/// # Errors
/// When nothing is installed, or the interpreter cannot be run. Failed tests are findings.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let python = installed::find(&args.selection, &Workspace::new(ctx))?;
    let Some(names) = &args.tests else {
        let report = smoke::check(&python, ctx)?;
        ctx.reporter.status("Verified", report.to_string());
        if ctx.reporter.is_json() {
            ctx.reporter.json(&SmokeMessage { report: &report });
        }
        return Ok(Exit::Success);
    };
    let source = sources_of(&python, ctx)?;
    let test_dir = source.lib().join("test");
    let selection = select(&test_dir, names, &python, args.include_excluded)?;
    let suite = prepare(&python, &source.lib(), ctx)?;
    let name = python.root().file_name().context("the installation directory has no name")?;
    let logs = ctx.store.entry(Bucket::Builds, &format!("{}-tests", name.to_string_lossy()));
    let job = Job { python: &python, suite: &suite, logs: &logs, timeout: args.timeout };
    ctx.reporter.status(
        "Testing",
        format!("{} test files of CPython {}", selection.files.len(), python.version()),
    );
    let total = selection.files.len();
    let mut count = 0;
    let results = run_all(&job, &selection.files, ctx, |result| {
        count += 1;
        report(result, count, total, ctx);
    })?;
    let summary = Summary::of(&results, &selection.excluded);
    if ctx.reporter.is_json() {
        ctx.reporter.json(&summary);
    } else {
        ctx.reporter.data(summary.to_string());
    }
    Ok(if summary.failed.is_empty() { Exit::Success } else { Exit::Findings })
}

/// Prints the result of one test file.
fn report(result: &FileResult, count: usize, total: usize, ctx: &Ctx) {
    if ctx.reporter.is_json() {
        return ctx.reporter.json(result);
    }
    let (verb, rest) = match &result.outcome {
        Outcome::Passed(counts) => ("passed", format!("{} cases", counts.run)),
        Outcome::Skipped { reason } => ("skipped", reason.clone()),
        Outcome::Failed { reason } => ("FAILED", reason.clone()),
    };
    let line = format!("[{count}/{total}] {} ({:.1} s): {rest}", result.file, result.seconds);
    ctx.reporter.status(verb, line);
    if verb == "FAILED" {
        ctx.reporter.warn(format!(
            "{}\nthe full output is in `{}`",
            last_lines(&result.log),
            result.log
        ));
    }
}

fn last_lines(log: &Utf8PathBuf) -> String {
    let text = fs_err::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
