//! The interpreters that run the benchmarks, and the commands that start them.

use std::path::PathBuf;
use std::process::Output;

use anyhow::Context;
use xshell::{Cmd, Shell, cmd};

use super::suite::{Benchmark, Suite};
use crate::tool::Tool;

/// The suite's directory as seen by interpreters that cannot read the host's file system.
const GUEST: &str = "/bench";

/// The time limit for one benchmark in WASI.
const TIMEOUT: &str = "20m";

/// An interpreter that runs the benchmarks.
#[derive(Debug)]
pub(super) struct Contender<'a> {
    /// The heading of the interpreter's column.
    pub(super) name: &'static str,
    /// A description of the interpreter for the benchmark page.
    pub(super) about: String,
    pub(super) runner: Runner<'a>,
}

/// The way an interpreter is run.
#[derive(Debug)]
pub(super) enum Runner<'a> {
    /// A WASI program that runs in the tool's runtime. `library` contains the standard library's
    /// directory on the host and the path under which the program sees this directory.
    Wasm { tool: &'a Tool<'a>, module: PathBuf, library: Option<(PathBuf, String)> },
    /// A native program.
    Native { shell: &'a Shell, python: PathBuf },
    /// A Node.js script that loads Pyodide.
    Node { shell: &'a Shell, script: PathBuf, pyodide: PathBuf },
}

impl Contender<'_> {
    /// Runs a benchmark file once. Returns the name and the time in seconds of each benchmark in
    /// the file.
    ///
    /// # Errors
    /// If the run fails or reports no time. The message contains the last error line of the output.
    pub(super) fn run(
        &self,
        suite: &Suite,
        benchmark: Benchmark,
    ) -> anyhow::Result<Vec<(String, f64)>> {
        let lines = self.output(suite, &suite.script(benchmark), benchmark.words)?;
        let times = lines.iter().map(|(name, time)| {
            let seconds: f64 = time.parse().with_context(|| format!("`{time}` is not a time"))?;
            anyhow::ensure!(seconds > 0.0, "the benchmark took no time");
            Ok((name.clone(), seconds))
        });
        times.collect()
    }

    /// Returns the Python version that the interpreter reports.
    pub(super) fn version(&self, suite: &Suite) -> anyhow::Result<String> {
        let lines = self.output(suite, suite.version(), &[])?;
        let (_, version) =
            lines.into_iter().next().context("the interpreter reports no version")?;
        Ok(version)
    }

    fn output(
        &self,
        suite: &Suite,
        script: &str,
        words: &[&str],
    ) -> anyhow::Result<Vec<(String, String)>> {
        let output = self.command(suite, script, words).quiet().ignore_status().output()?;
        results(&output)
    }

    fn command(&self, suite: &Suite, script: &str, words: &[&str]) -> Cmd<'_> {
        let dir = suite.dir();
        match &self.runner {
            Runner::Wasm { tool, module, library } => {
                let suite = format!("{}::{GUEST}:ro", dir.display());
                let stand_in = format!("PYTHONPATH={GUEST}/stand-in");
                let mut all = vec!["run-wasm", "--no-cwd", "--stdlib", "embedded", "--timeout"];
                all.extend([TIMEOUT, "--dir", &suite, "--env", &stand_in]);
                all.extend(["--env", "PYTHONDONTWRITEBYTECODE=1"]);
                let library =
                    library.as_ref().map(|(from, to)| format!("{}::{to}:ro", from.display()));
                if let Some(library) = &library {
                    all.extend(["--dir", library]);
                }
                let (module, script) = (module.display().to_string(), format!("{GUEST}/{script}"));
                all.extend([module.as_str(), script.as_str()]);
                all.extend(words);
                tool.call(&all)
            }
            Runner::Native { shell, python } => {
                let script = dir.join(script);
                cmd!(shell, "{python} {script} {words...}")
                    .env("PYTHONPATH", dir.join("stand-in"))
                    .env("PYTHONDONTWRITEBYTECODE", "1")
            }
            Runner::Node { shell, script: loader, pyodide } => {
                let script = format!("{GUEST}/{script}");
                cmd!(shell, "node {loader} {pyodide} {dir} {script} {words...}")
            }
        }
    }
}

/// Parses the output of the replacement for pyperf. Each result line contains a name and a value.
fn results(output: &Output) -> anyhow::Result<Vec<(String, String)>> {
    let errors = String::from_utf8_lossy(&output.stderr);
    // Node.js prints more lines after the error. Python prints the error last.
    let last = errors
        .lines()
        .rfind(|line| line.contains("Error"))
        .or_else(|| errors.lines().rfind(|line| !line.trim().is_empty()))
        .unwrap_or("")
        .trim();
    anyhow::ensure!(output.status.success(), "{}: {last}", output.status);
    let lines = String::from_utf8_lossy(&output.stdout);
    let results: Vec<(String, String)> = lines
        .lines()
        .filter_map(|line| line.strip_prefix("RESULT ")?.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    anyhow::ensure!(!results.is_empty(), "the interpreter reports no result: {last}");
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        let status = ExitStatus::from_raw(code << 8);
        Output { status, stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn results_are_found_among_other_lines() {
        let lines = results(&output(0, "hello\nRESULT one 0.5\nRESULT two 1e-3\n", "")).unwrap();
        let of = |name: &str, time: &str| (name.to_owned(), time.to_owned());
        assert_eq!(lines, [of("one", "0.5"), of("two", "1e-3")]);
    }

    #[test]
    fn failure_after_a_result_is_an_error() {
        let failed = output(1, "RESULT one 0.5\n", "Traceback\nKeyError: 'x'\n\n");
        let error = results(&failed).unwrap_err().to_string();
        assert!(error.ends_with("KeyError: 'x'"), "{error}");
        let node = output(1, "", "Error [NOT]: no module\n    at x.js\n\nNode.js v20\n");
        let error = results(&node).unwrap_err().to_string();
        assert!(error.ends_with(": Error [NOT]: no module"), "{error}");
        assert!(results(&output(0, "hello\n", "a warning\n")).is_err());
    }
}
