//! Runs the named steps of a task. At the end, prints a table of the steps and their times.

use std::fmt::Write as _;
use std::io::{Read as _, Seek as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// A step that runs in its own process while other steps run.
///
/// If it is dropped before [`Steps::finish`], because another step has failed, the process is killed
/// and its output printed. Processes that it has started, such as compilers, end by themselves: in a
/// process group of their own they would survive Ctrl-C.
#[derive(Debug)]
pub(crate) struct Background {
    name: String,
    child: Child,
    /// A temporary file with everything that the process has printed.
    output: std::fs::File,
    is_finished: bool,
}

impl Background {
    fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.is_finished = true;
        let mut output = Vec::new();
        self.output.rewind()?;
        self.output.read_to_end(&mut output)?;
        eprint!("{}", String::from_utf8_lossy(&output));
        Ok(status)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        eprintln!("\n== {}: stopped. It has printed:", self.name);
        // Nothing is left to do if the process has ended already.
        let _ = self.child.kill();
        let _ = self.wait();
    }
}

/// The steps that have run so far.
#[derive(Debug)]
pub(crate) struct Steps {
    start: Instant,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    /// The reason why the step did not run.
    Skipped(String),
}

impl Steps {
    /// Runs a task, then prints the table of its steps, even if a step failed.
    pub(crate) fn record(task: impl FnOnce(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut steps = Self { start: Instant::now(), rows: Vec::new() };
        let result = task(&mut steps);
        eprint!("\n{}", steps.table(steps.start.elapsed()));
        result
    }

    /// Starts a step in the background.
    pub(crate) fn start(
        &self,
        name: &str,
        command: impl Into<Command>,
    ) -> anyhow::Result<Background> {
        eprintln!("\n== {name}: started ({} s since the start)", self.start.elapsed().as_secs());
        let output = tempfile::tempfile()?;
        let child = command
            .into()
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot start the step `{name}`"))?;
        Ok(Background { name: name.to_owned(), child, output, is_finished: false })
    }

    /// Waits for a step in the background, and prints its output. The table shows the time that was
    /// spent waiting.
    pub(crate) fn finish(&mut self, mut step: Background) -> anyhow::Result<()> {
        self.run(&format!("waiting for {}", step.name), || {
            let status = step.wait()?;
            anyhow::ensure!(status.success(), "the step `{}` failed: {status}", step.name);
            Ok(())
        })
    }

    /// Runs one step.
    pub(crate) fn run<T>(
        &mut self,
        name: &str,
        step: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        eprintln!("\n== {name} ({} s since the start)", self.start.elapsed().as_secs());
        let start = Instant::now();
        let result = step();
        let taken = start.elapsed();
        let outcome = if result.is_ok() { Outcome::Passed(taken) } else { Outcome::Failed(taken) };
        self.rows.push(Row { name: name.to_owned(), outcome });
        result
    }

    /// Runs a step unless a requirement is missing. `missing` describes the requirement, and
    /// appears in the table.
    pub(crate) fn run_unless(
        &mut self,
        missing: Option<String>,
        name: &str,
        step: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(reason) = missing else { return self.run(name, step) };
        eprintln!("\n== {name}: skipped, {reason}");
        self.rows.push(Row { name: name.to_owned(), outcome: Outcome::Skipped(reason) });
        Ok(())
    }

    fn table(&self, total: Duration) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let (seconds, note) = match &row.outcome {
                Outcome::Passed(taken) => (taken.as_secs().to_string(), String::new()),
                Outcome::Failed(taken) => (taken.as_secs().to_string(), "  failed".to_owned()),
                Outcome::Skipped(reason) => ("-".to_owned(), format!("  skipped: {reason}")),
            };
            let _ = writeln!(text, "{seconds:>6} s  {}{note}", row.name);
        }
        let _ = writeln!(text, "{:>6} s  total", total.as_secs());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_lists_passed_failed_and_skipped_steps() {
        let mut steps = Steps { start: Instant::now(), rows: Vec::new() };
        steps.run("format", || Ok(())).unwrap();
        steps.run_unless(Some("no network".to_owned()), "advisories", || Ok(())).unwrap();
        steps.run("tests", || anyhow::bail!("red")).unwrap_or(());
        assert_eq!(
            steps.table(Duration::from_secs(61)),
            "     0 s  format\n     - s  advisories  skipped: no network\n     0 s  tests  failed\n    61 s  total\n"
        );
    }

    #[test]
    fn steps_in_the_background_fail_when_they_are_finished() {
        let mut steps = Steps { start: Instant::now(), rows: Vec::new() };
        let passes = steps.start("passes", Command::new("true")).unwrap();
        let fails = steps.start("fails", Command::new("false")).unwrap();
        steps.finish(passes).unwrap();
        steps.finish(fails).unwrap_err();
        let outcomes: Vec<_> = steps.rows.iter().map(|row| &row.outcome).collect();
        assert!(matches!(outcomes[..], [Outcome::Passed(_), Outcome::Failed(_)]));
    }

    #[test]
    fn dropped_step_is_killed() {
        let steps = Steps { start: Instant::now(), rows: Vec::new() };
        let mut command = Command::new("sleep");
        command.arg("1000");
        let step = steps.start("sleeps", command).unwrap();
        // This returns when the process has ended.
        drop(step);
    }
}
