//! The summary of a test suite run.

use std::collections::BTreeMap;
use std::fmt;

use camino::Utf8PathBuf;
use pywasm_recipes::Exclusion;
use pywasm_session::Message;
use serde::Serialize;

use super::parse::Outcome;

/// The result of one test file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileResult {
    /// The file's name.
    pub file: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The path of the log, which contains the whole output of the test file.
    pub log: Utf8PathBuf,
    /// The run time in seconds.
    pub seconds: f64,
}

/// The results of all test files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files that passed.
    pub passed: usize,
    /// Files that failed.
    pub failed: Vec<String>,
    /// Files that skipped themselves, grouped by reason.
    pub skipped: BTreeMap<String, Vec<String>>,
    /// The exclusions that applied, with their reasons.
    pub excluded: BTreeMap<String, String>,
    /// The number of cases that ran in files that passed.
    pub cases: u64,
    /// The number of cases that skipped themselves in files that passed.
    pub skipped_cases: u64,
}

impl Message for FileResult {
    const REASON: &'static str = "test-file";
}

impl Message for Summary {
    const REASON: &'static str = "test-summary";
}

impl Summary {
    /// Summarizes the results.
    #[must_use]
    pub fn of(results: &[FileResult], excluded: &[&'static Exclusion]) -> Self {
        let mut summary = Self::default();
        for result in results {
            match &result.outcome {
                Outcome::Passed(counts) => {
                    summary.passed += 1;
                    summary.cases += counts.run;
                    summary.skipped_cases += counts.skipped;
                }
                Outcome::Skipped { reason } => {
                    summary.skipped.entry(reason.clone()).or_default().push(result.file.clone());
                }
                Outcome::Failed { .. } => summary.failed.push(result.file.clone()),
            }
        }
        for entry in excluded {
            summary.excluded.insert(entry.test.clone(), entry.reason.clone());
        }
        summary
    }

    /// Returns the number of files that skipped themselves.
    #[must_use]
    pub fn skipped_files(&self) -> usize {
        self.skipped.values().map(Vec::len).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.skipped.is_empty() {
            writeln!(f, "skipped by themselves:")?;
            for (reason, files) in &self.skipped {
                writeln!(f, "  {reason}: {}", files.join(", "))?;
            }
        }
        if !self.excluded.is_empty() {
            writeln!(f, "excluded:")?;
            for (test, reason) in &self.excluded {
                writeln!(f, "  {test}: {reason}")?;
            }
        }
        if !self.failed.is_empty() {
            writeln!(f, "failed: {}", self.failed.join(", "))?;
        }
        write!(
            f,
            "{} files passed ({} cases, {} of them skipped), {} failed, {} skipped, {} exclusions",
            self.passed,
            self.cases,
            self.skipped_cases,
            self.failed.len(),
            self.skipped_files(),
            self.excluded.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testsuite::Counts;

    #[test]
    fn skipped_files_are_grouped_by_reason() {
        let result = |file: &str, outcome| FileResult {
            file: file.into(),
            outcome,
            log: "log".into(),
            seconds: 0.0,
        };
        let skipped = || Outcome::Skipped { reason: "no threads".into() };
        let results = [
            result("test_a", Outcome::Passed(Counts { run: 10, skipped: 1 })),
            result("test_b", skipped()),
            result("test_c", skipped()),
            result("test_d", Outcome::Failed { reason: "trap".into() }),
        ];
        let text = Summary::of(&results, &[]).to_string();
        assert!(text.contains("  no threads: test_b, test_c\n"), "{text}");
        assert!(
            text.ends_with(
                "1 files passed (10 cases, 1 of them skipped), 1 failed, 2 skipped, 0 exclusions"
            ),
            "{text}"
        );
    }
}
