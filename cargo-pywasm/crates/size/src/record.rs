//! Stores breakdowns in files. A record is written next to a finished module, because the module
//! itself no longer contains names. A baseline is a record that the user commits.

use anyhow::Context;
use camino::Utf8Path;
use pywasm_recipes::Digest;
use pywasm_session::WithHint;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Breakdown, Kind, Object, Origin, Row, Section};

/// The version of the record format.
const VERSION: u32 = 1;

/// The content of the file. Sections, origins and objects are written using their `Display`
/// implementations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    version: u32,
    /// The SHA-256 of the module.
    sha256: String,
    /// The size of the module, which is the sum of the rows' bytes.
    total: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gzip: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// True if the rows contain the names of functions and variables.
    named: bool,
    rows: Vec<Line>,
}

/// A row: kind, section, origin, object, name, count, bytes. An empty object or name means that
/// there is none.
type Line = (Kind, String, String, String, String, u32, u64);

const REWRITE: &str = "`cargo pywasm size MODULE --write-baseline FILE` writes a new baseline";

impl Record {
    /// Creates the record of a module. If `named` is false, the names of functions and variables
    /// are omitted, so that the record is small enough to commit and its diffs are readable.
    #[must_use]
    pub fn of(module: &[u8], all: &Breakdown, named: bool) -> Self {
        let mut rows = all.clone();
        if !named {
            for row in &mut rows.rows {
                row.name = None;
            }
            rows.close();
        }
        let line = |row: &Row| {
            let (section, origin) = (rows.section(row).to_string(), rows.origin(row).to_string());
            let object = rows.object(row).map(ToString::to_string).unwrap_or_default();
            let name = rows.name(row).unwrap_or_default().to_owned();
            (row.kind, section, origin, object, name, row.count, row.bytes)
        };
        let lines = rows.rows.iter().map(line).collect();
        let (total, gzip, notes) = (all.total, all.gzip, all.notes.clone());
        Self { version: VERSION, sha256: digest(module), total, gzip, notes, named, rows: lines }
    }

    /// Returns true if the bytes start like a JSON object, so they can be a record but not a
    /// module.
    #[must_use]
    pub fn is(bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(b"{")
    }

    /// Reads a record. `path` appears in messages.
    ///
    /// # Errors
    /// When the bytes are not a record, or its rows do not add up.
    pub fn parse(path: &Utf8Path, bytes: &[u8]) -> anyhow::Result<Self> {
        let read: Self = serde_json::from_slice(bytes)
            .with_context(|| format!("`{path}` is not a size baseline"))
            .hint(|| REWRITE.to_owned())?;
        anyhow::ensure!(
            read.version == VERSION,
            "baseline `{path}` has version {}, but this tool reads only version {VERSION}",
            read.version
        );
        let mut sum = Some(0_u64);
        for line in &read.rows {
            sum = sum.and_then(|sum| sum.checked_add(line.6));
        }
        if sum != Some(read.total) {
            return Err(anyhow::anyhow!(
                "the rows of baseline `{path}` do not add up to its total"
            ))
            .hint(|| REWRITE.to_owned());
        }
        read.rows()
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("`{path}` is not a size baseline"))
            .hint(|| REWRITE.to_owned())?;
        Ok(read)
    }

    /// Returns true if the record describes exactly this module.
    #[must_use]
    pub fn is_of(&self, module: &[u8]) -> bool {
        self.sha256 == digest(module)
    }

    /// Returns the breakdown.
    #[must_use]
    pub fn breakdown(&self) -> Breakdown {
        let mut all = self.rows().unwrap_or_default();
        (all.gzip, all.notes) = (self.gzip, self.notes.clone());
        all
    }

    fn rows(&self) -> Result<Breakdown, String> {
        let mut all = Breakdown::default();
        for (kind, section, origin, object, name, count, bytes) in &self.rows {
            let (kind, count, bytes) = (*kind, *count, *bytes);
            let section = all.sections.id(section.parse::<Section>()?);
            let origin = all.origins.id(Origin::parse(kind, origin)?);
            let object = (!object.is_empty()).then(|| {
                let Ok(object) = object.parse::<Object>();
                all.objects.id(object)
            });
            let name = (!name.is_empty()).then(|| all.names.id(name.as_str()));
            all.push(Row { kind, section, origin, object, name, count, bytes });
        }
        all.close();
        Ok(all)
    }

    /// Returns the text of the file, one row per line.
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
    use crate::breakdown::tests::example;

    #[test]
    fn record_is_read_as_it_was_written() {
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
    fn malformed_record_is_refused() {
        let good = Record::of(b"module", &example(), false).text();
        for (text, message) in [
            ("{}".to_owned(), "not a size baseline"),
            (good.replace("\"version\": 1", "\"version\": 7"), "version 7"),
            (good.replace("\"total\": 240", "\"total\": 241"), "do not add up"),
            (good.replace("\"without a name\"", "\"nothing\""), "not an origin"),
            (good.replace("\"type\"", "\"nothing\""), "not a section"),
            (good.replace(",8]", ",18446744073709551615]"), "do not add up"),
        ] {
            assert_ne!(text, good);
            let error = format!("{:#}", Record::parse("x".into(), text.as_bytes()).unwrap_err());
            assert!(error.contains(message), "{error}");
        }
    }
}
