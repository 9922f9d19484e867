//! A breakdown in a file: beside a finished module, which has no names any more, and as a baseline that is
//! committed.

use anyhow::Context;
use camino::Utf8Path;
use pywasm_recipes::Digest;
use pywasm_session::WithHint;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Breakdown, Kind, Row};

/// The version of the file.
const VERSION: u32 = 1;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    version: u32,
    /// The digest of the module.
    sha256: String,
    /// Its size; the sum of the rows.
    total: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gzip: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Whether functions and variables are named.
    named: bool,
    rows: Vec<Line>,
}

/// A row: kind, section, origin, object, name, count, bytes.
type Line = (Kind, String, String, String, String, u32, u64);

impl Record {
    /// The record of a module and its breakdown. `named` keeps functions and variables apart; without, it
    /// is small enough to be committed, and differences of it can be read.
    #[must_use]
    pub fn of(module: &[u8], all: &Breakdown, named: bool) -> Self {
        let mut rows = all.clone();
        if !named {
            for row in &mut rows.rows {
                row.name = 0;
            }
            rows.close();
        }
        let line = |row: &Row| {
            let [section, origin, object, name] =
                [row.section, row.origin, row.object, row.name].map(|id| rows.text(id).to_owned());
            (row.kind, section, origin, object, name, row.count, row.bytes)
        };
        let lines = rows.rows.iter().map(line).collect();
        let (total, gzip, notes) = (all.total, all.gzip, all.notes.clone());
        Self { version: VERSION, sha256: digest(module), total, gzip, notes, named, rows: lines }
    }

    /// Whether bytes are of this form, rather than of a module.
    #[must_use]
    pub fn is(bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(b"{")
    }

    /// Reads one; `path` is for messages.
    ///
    /// # Errors
    /// When it is not one, or its rows do not add up.
    pub fn parse(path: &Utf8Path, bytes: &[u8]) -> anyhow::Result<Self> {
        let again = || "`cargo pywasm size MODULE --write-baseline FILE` writes one".to_owned();
        let read: Self = serde_json::from_slice(bytes)
            .with_context(|| format!("`{path}` is not a baseline of sizes"))
            .hint(again)?;
        anyhow::ensure!(
            read.version == VERSION,
            "baseline `{path}` has version {}; this version reads {VERSION}",
            read.version
        );
        let mut sum = Some(0_u64);
        for line in &read.rows {
            sum = sum.and_then(|sum| sum.checked_add(line.6));
        }
        if sum != Some(read.total) {
            return Err(anyhow::anyhow!("the rows of baseline `{path}` are not its total"))
                .hint(again);
        }
        Ok(read)
    }

    /// Whether it is of this module.
    #[must_use]
    pub fn is_of(&self, module: &[u8]) -> bool {
        self.sha256 == digest(module)
    }

    /// The breakdown.
    #[must_use]
    pub fn breakdown(&self) -> Breakdown {
        let mut all = Breakdown::default();
        for (kind, section, origin, object, name, count, bytes) in &self.rows {
            let [section, origin, object, name] =
                [section, origin, object, name].map(|text| all.labels.id(text));
            let (kind, count, bytes) = (*kind, *count, *bytes);
            all.push(Row { kind, section, origin, object, name, count, bytes });
        }
        all.close();
        (all.gzip, all.notes) = (self.gzip, self.notes.clone());
        all
    }

    /// Its text, a row a line.
    #[must_use]
    pub fn text(&self) -> String {
        let head = Self { rows: Vec::new(), ..self.clone() };
        let head = serde_json::to_string_pretty(&head).unwrap_or_default();
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| format!("    {}", serde_json::to_string(row).unwrap_or_default()))
            .collect();
        let rows = format!("\"rows\": [\n{}\n  ]", rows.join(",\n"));
        format!("{}\n", head.replace("\"rows\": []", &rows))
    }
}

fn digest(module: &[u8]) -> String {
    Digest::from_bytes(Sha256::digest(module).into()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::example;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let all = Breakdown { gzip: Some(9), ..example() };
        let written = Record::of(b"module", &all, true);
        let read = Record::parse("x".into(), written.text().as_bytes()).unwrap();
        assert_eq!(read, written);
        assert!(read.is_of(b"module") && !read.is_of(b"another"));
        let back = read.breakdown();
        assert_eq!((back.total, back.gzip, back.rows.len()), (all.total, Some(9), all.rows.len()));
        let small = Record::of(b"module", &all, false);
        assert!(!small.text().contains("PyObject_Call") && !small.named);
        assert_eq!(small.breakdown().total, all.total);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let good = Record::of(b"module", &example(), false).text();
        for (text, said) in [
            ("{}".to_owned(), "not a baseline"),
            (good.replace("\"version\": 1", "\"version\": 7"), "version 7"),
            (good.replace("\"total\": 240", "\"total\": 241"), "not its total"),
            (good.replace(",8]", ",18446744073709551615]"), "not its total"),
        ] {
            assert_ne!(text, good);
            let error = format!("{:#}", Record::parse("x".into(), text.as_bytes()).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }
}
