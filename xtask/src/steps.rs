//! Runs the named steps of a task. At the end, prints a table of the steps and their times.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

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
}
