//! Baselines: files that list accepted findings, so that only new findings fail a build.

use std::collections::BTreeSet;

use anyhow::Context;
use camino::Utf8Path;
use pywasm_session::WithHint;
use serde::{Deserialize, Serialize};

use crate::finding::{Code, Finding};

/// The version of the baseline format.
const VERSION: u32 = 1;

/// Accepted findings. A finding is identified by its code, subject and type, not by its file,
/// because file names can change between builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    version: u32,
    accepted: BTreeSet<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: Code,
    subject: String,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    ty: Option<String>,
}

impl Entry {
    fn of(finding: &Finding) -> Self {
        Self { code: finding.code, subject: finding.subject.clone(), ty: finding.ty.clone() }
    }
}

impl Baseline {
    /// Creates a baseline that accepts these findings.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        Self { version: VERSION, accepted: findings.into_iter().map(Entry::of).collect() }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a baseline.
    pub fn read(path: &Utf8Path) -> anyhow::Result<Self> {
        let text = fs_err::read_to_string(path).hint(|| {
            "`--write-baseline FILE` writes a baseline of the current findings".to_owned()
        })?;
        let read: Self =
            serde_json::from_str(&text).with_context(|| format!("`{path}` is not a baseline"))?;
        anyhow::ensure!(
            read.version == VERSION,
            "baseline `{path}` has version {}, but this tool reads only version {VERSION}",
            read.version
        );
        Ok(read)
    }

    /// Writes the baseline as indented JSON, so that its diffs are readable.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Utf8Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs_err::write(path, text)?;
        Ok(())
    }

    /// Returns the findings that are new, and the number of accepted ones.
    #[must_use]
    pub fn split(&self, findings: Vec<Finding>) -> (Vec<Finding>, usize) {
        let all = findings.len();
        let new: Vec<Finding> =
            findings.into_iter().filter(|it| !self.accepted.contains(&Entry::of(it))).collect();
        let accepted = all - new.len();
        (new, accepted)
    }

    /// Returns the number of entries that match none of these findings and can be removed.
    #[must_use]
    pub fn unused<'a>(&self, findings: impl IntoIterator<Item = &'a Finding>) -> usize {
        let found: BTreeSet<Entry> = findings.into_iter().map(Entry::of).collect();
        self.accepted.difference(&found).count()
    }
}
