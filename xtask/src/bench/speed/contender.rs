//! Who runs the benchmarks, and how each is called.

use std::path::PathBuf;
use std::process::Output;

use anyhow::Context;
use xshell::{Cmd, Shell, cmd};

use super::suite::{Benchmark, Suite};
use crate::tool::Tool;

/// Where the suite lies for those that see no directory of the host.
const GUEST: &str = "/bench";

/// No benchmark takes as long on any of them.
const TIMEOUT: &str = "20m";

/// An interpreter that can be called.
#[derive(Debug)]
pub(super) struct Contender<'a> {
    /// The head of its column.
    pub(super) name: &'static str,
    /// What it is, for the note.
    pub(super) about: String,
    pub(super) road: Road<'a>,
}

/// How it is called.
#[derive(Debug)]
pub(super) enum Road<'a> {
    /// A WASI program in the runtime of the tool; the library's directory, and where it looks for it.
    Wasm { tool: &'a Tool<'a>, module: PathBuf, library: Option<(PathBuf, String)> },
    /// A program of this machine.
    Native { shell: &'a Shell, python: PathBuf },
    /// A script of node that loads Pyodide.
    Node { shell: &'a Shell, script: PathBuf, pyodide: PathBuf },
}

impl Contender<'_> {
    /// Runs a benchmark, once: names and seconds.
    ///
    /// # Errors
    /// The last that it said, when it fails or tells no time.
    pub(super) fn run(
        &self,
        suite: &Suite,
        benchmark: Benchmark,
    ) -> anyhow::Result<Vec<(String, f64)>> {
        let said = self.say(suite, &suite.script(benchmark), benchmark.words)?;
        let times = said.iter().map(|(name, time)| {
            let seconds: f64 = time.parse().with_context(|| format!("`{time}` is no time"))?;
            anyhow::ensure!(seconds > 0.0, "it took no time");
            Ok((name.clone(), seconds))
        });
        times.collect()
    }

    /// Which Python it is.
    pub(super) fn version(&self, suite: &Suite) -> anyhow::Result<String> {
        let said = self.say(suite, suite.version(), &[])?;
        let (_, version) = said.into_iter().next().context("it names no version")?;
        Ok(version)
    }

    fn say(
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
        match &self.road {
            Road::Wasm { tool, module, library } => {
                let suite = format!("{}::{GUEST}:ro", dir.display());
                let stand_in = format!("PYTHONPATH={GUEST}/stand-in");
                let mut all = vec!["run-wasm", "--no-cwd", "--stdlib", "frozen", "--timeout"];
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
            Road::Native { shell, python } => {
                let script = dir.join(script);
                cmd!(shell, "{python} {script} {words...}")
                    .env("PYTHONPATH", dir.join("stand-in"))
                    .env("PYTHONDONTWRITEBYTECODE", "1")
            }
            Road::Node { shell, script: loader, pyodide } => {
                let script = format!("{GUEST}/{script}");
                cmd!(shell, "node {loader} {pyodide} {dir} {script} {words...}")
            }
        }
    }
}

/// Lines of the stand-in: a name and what belongs to it.
fn results(output: &Output) -> anyhow::Result<Vec<(String, String)>> {
    let errors = String::from_utf8_lossy(&output.stderr);
    // node says more after its error, Python does not.
    let last = errors
        .lines()
        .rfind(|line| line.contains("Error"))
        .or_else(|| errors.lines().rfind(|line| !line.trim().is_empty()))
        .unwrap_or("")
        .trim();
    anyhow::ensure!(output.status.success(), "{}: {last}", output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    let results: Vec<(String, String)> = said
        .lines()
        .filter_map(|line| line.strip_prefix("RESULT ")?.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    anyhow::ensure!(!results.is_empty(), "it tells no result: {last}");
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
    fn times_are_told_among_other_lines() {
        let said = results(&output(0, "hello\nRESULT one 0.5\nRESULT two 1e-3\n", "")).unwrap();
        let of = |name: &str, time: &str| (name.to_owned(), time.to_owned());
        assert_eq!(said, [of("one", "0.5"), of("two", "1e-3")]);
    }

    #[test]
    fn a_failure_is_its_last_line_even_after_a_result() {
        let failed = output(1, "RESULT one 0.5\n", "Traceback\nKeyError: 'x'\n\n");
        let error = results(&failed).unwrap_err().to_string();
        assert!(error.ends_with("KeyError: 'x'"), "{error}");
        let node = output(1, "", "Error [NOT]: no module\n    at x.js\n\nNode.js v20\n");
        let error = results(&node).unwrap_err().to_string();
        assert!(error.ends_with(": Error [NOT]: no module"), "{error}");
        assert!(results(&output(0, "hello\n", "a warning\n")).is_err());
    }
}
