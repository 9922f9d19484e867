//! Annotations for GitHub Actions.
//!
//! Source: "Workflow commands for GitHub Actions", and `command.ts` in actions/toolkit for the
//! escape sequences.

use std::fmt::Write as _;

use super::{Audited, human};
use crate::finding::Finding;

pub(super) fn report(audited: &[Audited]) -> String {
    let mut text = String::new();
    for one in audited {
        for finding in &one.findings {
            let level = if finding.code.is_error() { "error" } else { "warning" };
            let _ = writeln!(
                text,
                "::{level} file={},title={}::{}",
                property(one.name.as_str()),
                property(&format!("{}: {}", finding.code, finding.subject)),
                data(&sentence(finding)),
            );
        }
        let _ = writeln!(
            text,
            "{}: {} under policy `{}`{}",
            one.name,
            human::summary(&one.findings),
            one.policy,
            human::accepted(one.accepted)
        );
    }
    text
}

/// Describes a finding in a few sentences.
pub(super) fn sentence(finding: &Finding) -> String {
    let mut text = finding.subject.clone();
    if let Some(ty) = &finding.ty {
        let _ = write!(text, " {ty}");
    }
    let _ = write!(text, ": {}.", finding.message);
    if let Some(origin) = finding.needed_by.first() {
        let _ = write!(text, " Needed by {origin}.");
    }
    if !finding.python.is_empty() {
        let _ = write!(text, " Python module: {}.", finding.python.join(", "));
    }
    if !finding.notes.is_empty() {
        let _ = write!(text, " Most of it: {}.", finding.notes.join("; "));
    }
    for cure in &finding.cures {
        let _ = write!(text, " Cure: {cure}.");
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
