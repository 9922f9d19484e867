//! A breakdown as a table: rows put together by what one asks for.

use std::collections::BTreeMap;
use std::fmt;

use super::{Breakdown, Kind, Row};

/// What a table has a line for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Each section of the file
    Section,
    /// Each Python package, object of C and crate of Rust
    #[default]
    Origin,
    /// Each Python module whose code is frozen in
    Module,
    /// Each object that was linked
    Object,
    /// Each crate of Rust
    Crate,
    /// Each function
    Function,
    /// Each variable, and what has no name
    Data,
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
    /// What its bytes are; a section has bytes of many kinds.
    pub kind: Option<Kind>,
    /// What it is called.
    pub label: String,
    /// How many bytes.
    pub bytes: u64,
    /// How many functions and variables.
    pub count: u64,
    /// Whether it is what is left of others, rather than one of what was asked for.
    pub is_rest: bool,
}

/// A table: what was asked for, the largest first, then what is left. Bytes add up to the total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The lines.
    pub entries: Vec<Entry>,
}

impl View {
    /// The table of a breakdown.
    #[must_use]
    pub fn of(all: &Breakdown, by: By) -> Self {
        type Key = (bool, Option<Kind>, String);
        let mut sums: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
        for row in &all.rows {
            let label = label(all, row, by);
            let key = match label {
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
        // The sort is stable: equal ones stay by name.
        entries.sort_by_key(|it| (it.is_rest, std::cmp::Reverse(it.bytes)));
        Self { entries }
    }
}

/// What a row is called; none where it is not of what is asked for.
fn label(all: &Breakdown, row: &Row, by: By) -> Option<String> {
    let section = all.text(row.section);
    let some = |id| Some(all.text(id)).filter(|it| !it.is_empty());
    let text = match by {
        By::Section => Some(section),
        By::Origin if row.kind == Kind::Python => Some(package(all.text(row.origin))),
        By::Origin => some(row.origin),
        By::Module => some(row.origin).filter(|_| row.kind == Kind::Python),
        By::Object => some(row.object),
        By::Crate => some(row.origin).and_then(|it| it.strip_prefix("crate ")),
        By::Function => some(row.name).filter(|_| section == "code"),
        By::Data => some(row.name).filter(|_| section == "data"),
    };
    match (by, row.kind) {
        // Constants have no names that tell them apart.
        (By::Data, kind) if kind != Kind::Python => {
            text.map(|text| match some(row.object).or_else(|| some(row.origin)) {
                Some(of) => format!("{text} ({of})"),
                None => text.to_owned(),
            })
        }
        _ => text.map(str::to_owned),
    }
}

/// `email` of `email.mime.text`.
pub(super) fn package(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

/// How what was not asked for is put together.
fn rest(all: &Breakdown, row: &Row) -> String {
    match row.kind {
        Kind::Python => "Python code".to_owned(),
        Kind::C => format!("C, {}", all.text(row.section)),
        Kind::Rust => format!("Rust, {}", all.text(row.section)),
        Kind::Unknown => all.text(row.origin).to_owned(),
        Kind::Debug => "names and debug information".to_owned(),
        Kind::Format => "what the format needs".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A breakdown of rows: kind, section, origin, object, name, bytes.
    pub(crate) fn breakdown(rows: &[(Kind, &str, &str, &str, &str, u64)]) -> Breakdown {
        let mut all = Breakdown::default();
        for (kind, section, origin, object, name, bytes) in rows {
            let [section, origin, object, name] =
                [section, origin, object, name].map(|text| all.labels.id(text));
            let (kind, bytes) = (*kind, *bytes);
            all.push(Row { kind, section, origin, object, name, count: 1, bytes });
        }
        all.close();
        all
    }

    pub(crate) fn example() -> Breakdown {
        breakdown(&[
            (Kind::Python, "data", "email", "", "email", 10),
            (Kind::Python, "data", "email.mime.text", "", "email.mime.text", 20),
            (Kind::C, "code", "l.a(call.o)", "l.a(call.o)", "PyObject_Call", 100),
            (Kind::C, "data", "l.a(call.o)", "l.a(call.o)", "constants", 7),
            (Kind::Rust, "code", "crate core", "demo.o", "core::fmt::write", 50),
            (Kind::Unknown, "code", "without a name", "", "function 3", 5),
            (Kind::Debug, "custom section `name`", "custom section `name`", "", "", 40),
            (Kind::Format, "type", "type", "", "", 8),
        ])
    }

    #[test]
    fn every_table_adds_up_to_the_file() {
        let all = example();
        for by in
            [By::Section, By::Origin, By::Module, By::Object, By::Crate, By::Function, By::Data]
        {
            let view = View::of(&all, by);
            let sum: u64 = view.entries.iter().map(|it| it.bytes).sum();
            assert_eq!(sum, all.total, "by {by}");
        }
    }

    #[test]
    fn a_table_has_what_was_asked_for_and_then_the_rest() {
        let told = |by| -> Vec<String> {
            let entries = View::of(&example(), by).entries.into_iter();
            let line = |it: Entry| {
                format!("{} {}{}", it.bytes, if it.is_rest { "rest " } else { "" }, it.label)
            };
            entries.map(line).collect()
        };
        assert_eq!(
            told(By::Origin)[..3],
            ["107 l.a(call.o)", "50 crate core", "40 custom section `name`"]
        );
        assert!(told(By::Origin).contains(&"30 email".to_owned()));
        assert_eq!(told(By::Module)[..2], ["20 email.mime.text", "10 email"]);
        assert_eq!(told(By::Module)[2], "100 rest C, code");
        assert_eq!(told(By::Crate)[0], "50 core");
        assert_eq!(told(By::Function)[2], "5 function 3");
        assert_eq!(
            told(By::Data)[..3],
            ["20 email.mime.text", "10 email", "7 constants (l.a(call.o))"]
        );
    }
}
