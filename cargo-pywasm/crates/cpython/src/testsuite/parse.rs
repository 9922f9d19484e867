//! Parses the results that regrtest prints (`Lib/test/libregrtest/results.py` in CPython 3.13 and
//! 3.14).

use std::collections::BTreeMap;

use serde::Serialize;

use pywasm_runtime::End;

/// The numbers of test cases in a test file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The number of cases that ran, including skipped cases.
    pub run: u64,
    /// The number of cases that skipped themselves.
    pub skipped: u64,
}

/// The outcome of a test file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Cases ran, and none failed.
    Passed(Counts),
    /// The file skipped itself.
    Skipped {
        /// The reason it printed.
        reason: String,
    },
    /// A case failed, or the program trapped or timed out.
    Failed {
        /// The reason.
        reason: String,
    },
}

/// The skip reason for a file in which every case skipped itself. regrtest prints the reasons of
/// individual cases only in verbose runs.
const EVERY_CASE: &str = "every case skips itself";

impl Outcome {
    /// Returns true if a verbose run would give a more specific skip reason.
    pub(super) fn is_vague(&self) -> bool {
        matches!(self, Self::Skipped { reason } if reason == EVERY_CASE)
    }

    /// Replaces the reason with the most frequent skip reason in the output of a verbose run, if
    /// the output contains any.
    pub(super) fn with_reason_of_cases(self, output: &str) -> Self {
        match case_reason(output) {
            Some(reason) => Self::Skipped { reason },
            None => self,
        }
    }

    /// Determines the outcome from how the program ended and what it printed.
    #[must_use]
    pub fn read(end: &End, output: &str) -> Self {
        match end {
            End::Exit(0) => Self::read_success(output),
            // regrtest exits with this code if no test ran.
            End::Exit(4) => match skip_reason(output) {
                Some(reason) => Self::Skipped { reason },
                None => Self::Failed { reason: "no test ran".to_owned() },
            },
            End::Exit(_) => {
                Self::Failed { reason: failures(output).unwrap_or_else(|| end.to_string()) }
            }
            End::TimedOut => Self::Failed { reason: "timed out".to_owned() },
            End::OutOfFuel | End::Trap(_) => Self::Failed { reason: end.to_string() },
        }
    }

    fn read_success(output: &str) -> Self {
        if let Some(reason) = skip_reason(output) {
            return Self::Skipped { reason };
        }
        match counts(output) {
            Some(counts) if counts.run > 0 => Self::Passed(counts),
            // A successful run without any test case counts as a failure.
            _ => Self::Failed { reason: "no cases were reported".to_owned() },
        }
    }
}

/// Parses a line such as `Total tests: run=16,931 skipped=2`.
fn counts(output: &str) -> Option<Counts> {
    let line = output.lines().rev().find_map(|line| line.strip_prefix("Total tests: "))?;
    let mut counts = Counts::default();
    for word in line.split_whitespace() {
        let Some((name, number)) = word.split_once('=') else { continue };
        let number = number.replace(',', "").parse().ok()?;
        match name {
            "run" => counts.run = number,
            "skipped" => counts.skipped = number,
            _ => {}
        }
    }
    Some(counts)
}

/// Returns the reason why no case ran, or `None` if a case ran or no reason is known. The reason
/// comes from the first line that resembles `test_ssl skipped -- No module named '_ssl'`. Without
/// such a line, the reason is that a resource is not enabled, or [`EVERY_CASE`].
fn skip_reason(output: &str) -> Option<String> {
    let counts = counts(output)?;
    if counts.run > counts.skipped {
        return None;
    }
    let reasons = output.lines().filter_map(|line| {
        let line = line.split_once("] ").map_or(line, |(_, rest)| rest);
        let (name, reason) = line.split_once(" skipped")?;
        let reason = reason.trim_start_matches(" --").trim().trim_matches(['(', ')']);
        (name.starts_with("test") && !reason.is_empty()).then(|| reason.to_owned())
    });
    let denied = output.lines().any(|line| line.contains("resource_denied="));
    reasons.into_iter().next().or_else(|| {
        if denied {
            Some("it needs a resource that is not enabled".to_owned())
        } else if counts.skipped > 0 || output.contains("tests skipped:") {
            Some(EVERY_CASE.to_owned())
        } else {
            None
        }
    })
}

/// Returns the most frequent reason in lines such as
/// `test_x (test.test_popen.PopenTest.test_x) ... skipped 'requires subprocess support'`.
fn case_reason(output: &str) -> Option<String> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for line in output.lines() {
        let Some((_, reason)) = line.rsplit_once("... skipped ") else { continue };
        // Remove the quotes of Python's repr.
        let mut inside = reason.chars();
        inside.next();
        inside.next_back();
        *reasons.entry(inside.as_str()).or_default() += 1;
    }
    // If several reasons are equally frequent, take the first one in alphabetical order, so that
    // the result is deterministic.
    let most = reasons.values().copied().max()?;
    reasons.into_iter().find(|(_, count)| *count == most).map(|(reason, _)| reason.to_owned())
}

/// Returns the number of failed cases, and at most three of their names, from lines that begin with
/// `FAIL:` or `ERROR:`.
fn failures(output: &str) -> Option<String> {
    let mut names: Vec<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: ")))
        .collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => None,
        count @ 1..=3 => Some(format!("{count} failed: {}", names.join(", "))),
        count => Some(format!("{count} failed: {}, …", names[..3].join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSED: &str = "\
0:00:00 [1/1] test_json
0:00:02 [1/1] test_json passed

== Tests result: SUCCESS ==

1 test OK.

Total duration: 2.1 sec
Total tests: run=1,186 skipped=7
Total test files: run=1/1
Result: SUCCESS
";
    const SKIPPED: &str = "\
0:00:00 [1/1] test_ssl
test_ssl skipped -- No module named '_ssl'
0:00:00 [1/1] test_ssl skipped

== Tests result: SUCCESS ==

1 test skipped:
    test_ssl

Total duration: 90 ms
Total tests: run=0
Total test files: run=1/1 skipped=1
Result: SUCCESS
";
    const FAILED: &str = "\
FAIL: test_a (test.test_x.X.test_a)
ERROR: test_b (test.test_x.X.test_b)
Total tests: run=10 failures=1
Result: FAILURE
";

    #[test]
    fn pass_has_counts() {
        let outcome = Outcome::read(&End::Exit(0), PASSED);
        assert_eq!(outcome, Outcome::Passed(Counts { run: 1186, skipped: 7 }));
    }

    #[test]
    fn skip_has_a_reason() {
        let outcome = Outcome::read(&End::Exit(0), SKIPPED);
        assert_eq!(outcome, Outcome::Skipped { reason: "No module named '_ssl'".to_owned() });
    }

    #[test]
    fn package_of_skipped_parts_is_skipped() {
        let output = "5 tests skipped:\n    test_gdb.test_misc\nTotal tests: run=0\n\
                      Total test files: run=5/5 skipped=5\nResult: SUCCESS\n";
        assert!(matches!(Outcome::read(&End::Exit(0), output), Outcome::Skipped { .. }));
        let output = "Total tests: run=0 skipped=1\nTotal test files: run=1/1\n";
        assert!(matches!(Outcome::read(&End::Exit(0), output), Outcome::Skipped { .. }));
    }

    #[test]
    fn skipped_cases_give_their_most_frequent_reason() {
        let outcome = Outcome::read(&End::Exit(0), "Total tests: run=3 skipped=3\n");
        assert!(outcome.is_vague());
        let verbose = "\
test_a (test.test_popen.PopenTest.test_a) ... skipped 'requires subprocess support'
test_b (test.test_popen.PopenTest.test_b) ... skipped \"No module named 'x'\"
test_c (test.test_popen.PopenTest.test_c)
A case with a description. ... skipped 'requires subprocess support'
Total tests: run=3 skipped=3
";
        let skipped = |reason: &str| Outcome::Skipped { reason: reason.to_owned() };
        let of = |output| outcome.clone().with_reason_of_cases(output);
        assert_eq!(of(verbose), skipped("requires subprocess support"));
        let quoted = verbose.lines().nth(1).unwrap();
        assert_eq!(of(quoted), skipped("No module named 'x'"));
        assert_eq!(of("nothing"), outcome);
        let specific = Outcome::read(&End::Exit(0), SKIPPED);
        assert!(!specific.is_vague());
    }

    #[test]
    fn failure_names_its_cases() {
        let Outcome::Failed { reason } = Outcome::read(&End::Exit(2), FAILED) else { panic!() };
        assert!(reason.starts_with("2 failed: test_a (test.test_x.X.test_a), test_b"), "{reason}");
    }

    #[test]
    fn success_without_cases_is_a_failure() {
        for output in ["", "Total tests: run=0\nResult: SUCCESS\n"] {
            assert!(matches!(Outcome::read(&End::Exit(0), output), Outcome::Failed { .. }));
        }
    }

    #[test]
    fn trap_and_timeout_are_failures() {
        for end in [End::TimedOut, End::Trap("unreachable".into())] {
            assert!(matches!(Outcome::read(&end, PASSED), Outcome::Failed { .. }));
        }
    }
}
