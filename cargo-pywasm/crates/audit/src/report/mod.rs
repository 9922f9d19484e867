//! Reports of findings, for people and for tools.

mod github;
mod human;
mod json;
mod sarif;

pub use json::document;

use camino::Utf8PathBuf;

use super::finding::Finding;

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text for people, grouped by symbol family, most severe findings first
    #[default]
    Human,
    /// A JSON document
    Json,
    /// SARIF 2.1.0 for code scanning
    Sarif,
    /// Annotations for GitHub Actions
    Github,
}

/// An audited file or link set.
#[derive(Clone, Debug)]
pub struct Audited {
    /// The path of the file, or `link set`.
    pub name: Utf8PathBuf,
    /// The name of the policy.
    pub policy: String,
    /// The findings that the baseline does not accept.
    pub findings: Vec<Finding>,
    /// The number of findings that the baseline accepts.
    pub accepted: usize,
    /// For a link set, the archive members that the link includes.
    pub pulled: Option<Vec<String>>,
}

impl Audited {
    /// Creates the result of an audit without a baseline.
    #[must_use]
    pub fn new(name: impl Into<Utf8PathBuf>, policy: &str, findings: Vec<Finding>) -> Self {
        let (name, policy) = (name.into(), policy.to_owned());
        Self { name, policy, findings, accepted: 0, pulled: None }
    }
}

/// The style of a text report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// True if the report lists every symbol of a family.
    pub all: bool,
    /// True to use colours.
    pub colour: bool,
}

/// Returns the text of a report, which ends with a newline.
#[must_use]
pub fn report(audited: &[Audited], format: Format, style: Style) -> String {
    match format {
        Format::Human => human::report(audited, style),
        Format::Json => json::report(audited),
        Format::Sarif => sarif::report(audited),
        Format::Github => github::report(audited),
    }
}
