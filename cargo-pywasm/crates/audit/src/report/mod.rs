//! What was found, in the forms that people and tools read.

mod github;
mod human;
mod json;
mod sarif;

pub use json::document;

use camino::Utf8PathBuf;

use super::finding::Finding;

/// The forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: a family of symbols a block, the worst first
    #[default]
    Human,
    /// One document, with a version
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions, and a line for people
    Github,
}

/// A file or link set that was audited.
#[derive(Clone, Debug)]
pub struct Audited {
    /// What it is called: the file's path, or `link set`.
    pub name: Utf8PathBuf,
    /// The policy's name.
    pub policy: String,
    /// What was found and not accepted before.
    pub findings: Vec<Finding>,
    /// How many findings a baseline accepts.
    pub accepted: usize,
    /// What a link pulls in, where it was asked for.
    pub pulled: Option<Vec<String>>,
}

impl Audited {
    /// One of which nothing was accepted before.
    #[must_use]
    pub fn new(name: impl Into<Utf8PathBuf>, policy: &str, findings: Vec<Finding>) -> Self {
        let (name, policy) = (name.into(), policy.to_owned());
        Self { name, policy, findings, accepted: 0, pulled: None }
    }
}

/// How much of it is shown to people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Every symbol rather than a few of a family.
    pub all: bool,
    /// With colours.
    pub colour: bool,
}

/// The report, which ends with a newline.
#[must_use]
pub fn report(audited: &[Audited], format: Format, style: Style) -> String {
    match format {
        Format::Human => human::report(audited, style),
        Format::Json => json::report(audited),
        Format::Sarif => sarif::report(audited),
        Format::Github => github::report(audited),
    }
}
