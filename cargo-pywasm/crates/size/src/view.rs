//! Tables: rows grouped by a property that the user selects.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Breakdown, Kind, Origin, Row, Section};

/// The criterion by which rows are grouped into the lines of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Sections of the file
    Section,
    /// Python packages, C objects and Rust crates
    #[default]
    Origin,
    /// Python modules and embedded files
    Module,
    /// Linked objects
    Object,
    /// Rust crates
    Crate,
    /// C libraries in libpython, such as zlib
    Library,
    /// Functions
    Function,
    /// Variables and constants
    Data,
}

impl By {
    /// Returns all criteria.
    #[must_use]
    pub fn all() -> &'static [Self] {
        clap::ValueEnum::value_variants()
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = clap::ValueEnum::to_possible_value(self);
        f.write_str(value.as_ref().map_or("", |it| it.get_name()))
    }
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kind of the bytes; `None` for a section, which contains bytes of several kinds.
    pub kind: Option<Kind>,
    /// The text of the line.
    pub label: String,
    /// The number of bytes.
    pub bytes: u64,
    /// The number of functions and variables.
    pub count: u64,
    /// True for bytes that are not part of the table's subject, such as data in a table of
    /// functions.
    pub is_rest: bool,
}

/// A table. Its lines are sorted by size, the largest first, with the rest at the end. The bytes of
/// all lines add up to the size of the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The lines.
    pub entries: Vec<Entry>,
}

impl View {
    /// Groups the rows of a breakdown.
    #[must_use]
    pub fn of(all: &Breakdown, by: By) -> Self {
        type Key = (bool, Option<Kind>, String);
        let mut sums: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
        for row in &all.rows {
            let key = match label(all, row, by) {
                Some(label) => (false, Some(row.kind).filter(|_| by != By::Section), label),
                None => (true, Some(row.kind), rest(all, row)),
            };
            let (bytes, count) = sums.entry(key).or_default();
            *bytes += row.bytes;
            *count += u64::from(row.count);
        }
        let entry = |((is_rest, kind, label), (bytes, count)): (Key, (u64, u64))| Entry {
            kind,
            label,
            bytes,
            count,
            is_rest,
        };
        let mut entries: Vec<Entry> = sums.into_iter().map(entry).collect();
        // The sort is stable: lines of equal size stay sorted by label.
        entries.sort_by_key(|it| (it.is_rest, std::cmp::Reverse(it.bytes)));
        Self { entries }
    }
}

/// Returns the label of the line that a row belongs to, or `None` if the row belongs to the rest.
fn label(all: &Breakdown, row: &Row, by: By) -> Option<String> {
    let origin = all.origin(row);
    match by {
        By::Section => Some(all.section(row).to_string()),
        By::Origin => match origin {
            Origin::Python(name) => Some(package(name).to_owned()),
            // The data of a package counts for the package.
            Origin::File(path) => match Origin::below_directory(path).split_once('/') {
                Some((package, _)) if !package.is_empty() => Some(package.to_owned()),
                _ => Some(path.clone()),
            },
            origin => Some(origin.to_string()).filter(|it| !it.is_empty()),
        },
        By::Module => match origin {
            Origin::Python(name) => Some(name.clone()),
            Origin::File(_) | Origin::FileIndex => Some(origin.to_string()),
            _ => None,
        },
        By::Object => all.object(row).map(ToString::to_string),
        By::Crate => match origin {
            Origin::Crate(name) => Some(name.clone()),
            _ => None,
        },
        By::Library => Some(all.object(row)?.library()?.name.clone()),
        By::Function if *all.section(row) == Section::CODE => all.name(row).map(str::to_owned),
        By::Data if *all.section(row) == Section::DATA => {
            let name = all.name(row)?;
            if row.kind == Kind::Python {
                return Some(name.to_owned());
            }
            // Unnamed constants share one name, so their lines are distinguished by object.
            let source = all.object(row).map_or_else(|| origin.to_string(), ToString::to_string);
            Some(format!("{name} ({source})"))
        }
        By::Function | By::Data => None,
    }
}

/// Returns the top-level package of a Python module: `email` for `email.mime.text`.
pub(crate) fn package(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

/// Returns the label of the line for a row that belongs to the rest.
fn rest(all: &Breakdown, row: &Row) -> String {
    match row.kind {
        Kind::Python => "Python code".to_owned(),
        Kind::C => format!("C, {}", all.section(row)),
        Kind::Rust => format!("Rust, {}", all.section(row)),
        Kind::Unknown => all.origin(row).to_string(),
        Kind::Debug => "names and debug information".to_owned(),
        Kind::Format => "module structure".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::tests::example;

    #[test]
    fn every_table_adds_up_to_the_file() {
        let all = example();
        for by in By::all().iter().copied() {
            let view = View::of(&all, by);
            let sum: u64 = view.entries.iter().map(|it| it.bytes).sum();
            assert_eq!(sum, all.total, "by {by}");
        }
    }

    #[test]
    fn table_has_its_lines_and_then_the_rest() {
        let lines = |by| -> Vec<String> {
            let entries = View::of(&example(), by).entries.into_iter();
            let line = |it: Entry| {
                format!("{} {}{}", it.bytes, if it.is_rest { "rest " } else { "" }, it.label)
            };
            entries.map(line).collect()
        };
        assert_eq!(
            lines(By::Origin)[..3],
            ["107 l.a(call.o)", "50 crate core", "40 custom section `name`"]
        );
        assert!(lines(By::Origin).contains(&"30 email".to_owned()));
        assert_eq!(lines(By::Module)[..2], ["20 email.mime.text", "10 email"]);
        assert_eq!(lines(By::Module)[2], "100 rest C, code");
        assert_eq!(lines(By::Crate)[0], "50 core");
        assert_eq!(lines(By::Function)[2], "5 function 3");
        assert_eq!(
            lines(By::Data)[..3],
            ["20 email.mime.text", "10 email", "7 constants (l.a(call.o))"]
        );
    }
}
