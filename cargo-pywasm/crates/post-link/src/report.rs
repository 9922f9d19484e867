//! Reports the steps that ran on a module: as text on stderr, or as JSON messages.

use std::fmt::Write as _;

use camino::Utf8Path;
use pywasm_audit::report::{self as audit, Audited, Format, Style};
use pywasm_audit::{Figure, Limited};
use pywasm_session::{Message, Reporter};
use pywasm_size::report::grouped;
use serde::Serialize;

use super::{Files, Outcome, Plan};

/// The figures that are shown even if they have no limit.
const ALWAYS: [Limited; 3] = [Limited::Size, Limited::CodeSize, Limited::Functions];

#[derive(Serialize)]
struct StepMessage<'a> {
    about: &'a str,
    bytes_after: usize,
    bytes_before: usize,
    file: &'a Utf8Path,
    printed: Option<&'a str>,
    skipped: Option<&'a str>,
    step: String,
    warning: Option<&'a str>,
}

impl Message for StepMessage<'_> {
    const REASON: &'static str = "post-link-step";
}

#[derive(Serialize)]
struct FigureMessage<'a> {
    after: u64,
    before: Option<u64>,
    file: &'a Utf8Path,
    limit: Option<u64>,
    of: String,
    policy: &'a str,
}

impl Message for FigureMessage<'_> {
    const REASON: &'static str = "post-link-figure";
}

#[derive(Serialize)]
struct AuditMessage {
    audited: serde_json::Value,
}

impl Message for AuditMessage {
    const REASON: &'static str = "post-link-audit";
}

#[derive(Serialize)]
struct OverMessage<'a> {
    bytes: u64,
    file: &'a Utf8Path,
    limit: u64,
    of: String,
}

impl Message for OverMessage<'_> {
    const REASON: &'static str = "post-link-over-budget";
}

/// Reports the outcome of a module.
pub fn report(files: &Files, outcome: &Outcome, plan: &Plan, reporter: &Reporter) {
    let file = &files.input;
    let audited = outcome
        .findings
        .as_ref()
        .map(|findings| [Audited::new(files.output.clone(), &plan.policy.name, findings.clone())]);
    let sizes = outcome.sizes.iter();
    sizes.clone().flat_map(|it| &it.warnings).for_each(|it| reporter.warn(it));
    if reporter.is_json() {
        for over in sizes.flat_map(|it| &it.over) {
            let (bytes, limit, of) = (over.bytes, over.limit, over.key.to_string());
            reporter.json(&OverMessage { bytes, file, limit, of });
        }
        return json(file, outcome, plan, audited.as_ref(), reporter);
    }
    reporter.report(steps(outcome));
    reporter.report(figures(outcome));
    for done in &outcome.done {
        if let Some(reason) = &done.skipped {
            reporter.warn(format!("step `{}` was skipped: {reason}", done.step));
        }
        if let Some(printed) = &done.printed {
            reporter.note(format!("output of step `{}`:\n{printed}", done.step));
        }
        if let Some(warning) = &done.warning {
            reporter.warn(format!("`{file}`: {warning}"));
        }
    }
    sizes.for_each(|it| reporter.failure(&it.report));
    if let Some(audited) = audited {
        let text = audit::report(&audited, Format::Human, Style { all: false, colour: true });
        // The reason for a failure is printed even with --quiet.
        if outcome.is_rejected() { reporter.failure(text) } else { reporter.report(text) }
    }
}

fn json(
    file: &Utf8Path,
    outcome: &Outcome,
    plan: &Plan,
    audited: Option<&[Audited; 1]>,
    reporter: &Reporter,
) {
    for done in &outcome.done {
        reporter.json(&StepMessage {
            about: &done.about,
            bytes_after: done.after,
            bytes_before: done.before,
            file,
            printed: done.printed.as_deref(),
            skipped: done.skipped.as_deref(),
            step: done.step.to_string(),
            warning: done.warning.as_deref(),
        });
    }
    for (before, after) in pairs(outcome) {
        reporter.json(&FigureMessage {
            after: after.value,
            before: before.map(|figure| figure.value),
            file,
            limit: after.limit,
            of: after.what.to_string(),
            policy: &plan.policy.name,
        });
    }
    if let Some(audited) = audited {
        let mut document = audit::document(audited);
        reporter.json(&AuditMessage { audited: document["audited"].take() });
    }
}

/// Returns each figure after the steps, paired with the same figure before the steps, if there was
/// one.
fn pairs(outcome: &Outcome) -> impl Iterator<Item = (Option<&Figure>, &Figure)> {
    outcome
        .after
        .iter()
        .map(|after| (outcome.before.iter().find(|before| before.what == after.what), after))
}

fn steps(outcome: &Outcome) -> String {
    let rows = outcome.done.iter().map(|done| {
        let change = match done.after.cmp(&done.before) {
            std::cmp::Ordering::Less => format!("-{}", grouped(done.before - done.after)),
            std::cmp::Ordering::Equal => "0".to_owned(),
            std::cmp::Ordering::Greater => format!("+{}", grouped(done.after - done.before)),
        };
        [
            done.step.to_string(),
            grouped(done.before),
            grouped(done.after),
            change,
            done.about.clone(),
        ]
    });
    table(&rows.collect::<Vec<_>>())
}

fn figures(outcome: &Outcome) -> String {
    let shown =
        pairs(outcome).filter(|(_, after)| after.limit.is_some() || ALWAYS.contains(&after.what));
    let rows = shown.map(|(before, after)| {
        let limit = after.limit.map(|limit| format!("of {}", grouped(limit)));
        let part = after.permille().map(|it| format!("{}.{} %", it / 10, it % 10));
        [
            after.what.to_string(),
            before.map(|figure| grouped(figure.value)).unwrap_or_default(),
            grouped(after.value),
            part.unwrap_or_default(),
            limit.unwrap_or_default(),
        ]
    });
    table(&rows.collect::<Vec<_>>())
}

/// Aligns rows of five columns: name, value before, value after, change or share, and text.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (name, before, after, part) = (width(0), width(1), width(2), width(3));
    let mut text = String::new();
    for row in rows {
        let line = format!(
            "      {:<name$}  {:>before$} -> {:>after$}   {:>part$}   {}",
            row[0], row[1], row[2], row[3], row[4]
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Done, Step};

    #[test]
    fn rows_are_aligned() {
        let done = |step, before, after, about: &str| Done {
            step,
            before,
            after,
            about: about.to_owned(),
            warning: None,
            skipped: None,
            printed: None,
        };
        let figure = |value| Figure { what: Limited::Functions, value, limit: Some(50_000) };
        let outcome = Outcome {
            done: vec![
                done(Step::Rewire, 4_012_345, 4_010_001, "18 imports connected"),
                done(Step::Strip, 999, 999, "nothing"),
                done(Step::WasmOpt, 10, 60, "-Oz"),
            ],
            before: vec![figure(12_345)],
            after: vec![figure(5_000)],
            ..Outcome::default()
        };
        assert_eq!(
            steps(&outcome),
            "      rewire    4,012,345 -> 4,010,001   -2,344   18 imports connected\n      \
             strip           999 ->       999        0   nothing\n      \
             wasm-opt         10 ->        60      +50   -Oz\n"
        );
        assert_eq!(figures(&outcome), "      functions  12,345 -> 5,000   10.0 %   of 50,000\n");
    }
}
