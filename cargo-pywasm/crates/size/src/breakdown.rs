//! The breakdown of a module into rows. All bytes of a row have the same section, kind, origin,
//! object and name.

use serde::{Deserialize, Serialize};

use crate::table::{Id, Table};
use crate::{Object, Origin, Section};

/// The kind of a row's bytes. Reports show a colour and a total for each kind.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Frozen Python code.
    Python,
    /// C code and data, including CPython's.
    C,
    /// Rust code and data.
    Rust,
    /// Code and data of unknown origin.
    #[default]
    Unknown,
    /// Sections for debuggers and build tools: names, DWARF, producers.
    Debug,
    /// The structure of the module: types, imports, wasm tables and section headers.
    Format,
}

impl Kind {
    /// All kinds, in the order used in reports.
    pub const ALL: [Self; 6] =
        [Self::Python, Self::C, Self::Rust, Self::Unknown, Self::Debug, Self::Format];

    /// Returns the name that tables, files and budgets use for the kind.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::C => "c",
            Self::Rust => "rust",
            Self::Unknown => "unknown",
            Self::Debug => "debug",
            Self::Format => "format",
        }
    }
}

/// A group of bytes with the same kind, section, origin, object and name.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind of the bytes.
    pub kind: Kind,
    pub(crate) section: Id,
    pub(crate) origin: Id,
    pub(crate) object: Option<Id>,
    pub(crate) name: Option<Id>,
    /// The number of functions or variables.
    pub count: u32,
    /// The number of bytes.
    pub bytes: u64,
}

impl Row {
    fn key(&self) -> (Kind, Id, Id, Option<Id>, Option<Id>) {
        (self.kind, self.section, self.origin, self.object, self.name)
    }

    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.count = self.count.saturating_add(other.count);
    }
}

/// All bytes of a module.
#[derive(Clone, Debug, Default)]
pub struct Breakdown {
    pub(crate) sections: Table<Section>,
    pub(crate) origins: Table<Origin>,
    pub(crate) objects: Table<Object>,
    pub(crate) names: Table<str>,
    /// The rows, whose bytes add up to [`Breakdown::total`]. No two rows have the same kind,
    /// section, origin, object and name.
    pub rows: Vec<Row>,
    /// The size of the module in bytes.
    pub total: u64,
    /// The size of the module compressed by gzip, if it was measured.
    pub gzip: Option<u64>,
    /// Notes for readers of the tables, one sentence each.
    pub notes: Vec<String>,
}

impl Breakdown {
    /// Adds a row.
    pub(crate) fn push(&mut self, row: Row) {
        self.total += row.bytes;
        match self.rows.last_mut() {
            // Without this merge, a million unnamed functions would need a million rows.
            Some(last) if last.key() == row.key() => last.add(&row),
            _ if row.bytes > 0 => self.rows.push(row),
            _ => {}
        }
    }

    /// Merges rows with the same kind, section, origin, object and name. Sorts the rows by the text
    /// of these values, so that the order does not depend on the order in which rows were added.
    pub(crate) fn close(&mut self) {
        self.rows.sort_unstable_by_key(Row::key);
        self.rows.dedup_by(|next, kept| {
            let same = next.key() == kept.key();
            if same {
                kept.add(next);
            }
            same
        });
        let sections = Ranks::of(&self.sections);
        let origins = Ranks::of(&self.origins);
        let objects = Ranks::of(&self.objects);
        let names = Ranks::of(&self.names);
        self.rows.sort_unstable_by_key(|row| {
            let object = row.object.map(|id| objects.rank(id));
            let name = row.name.map(|id| names.rank(id));
            (row.kind, sections.rank(row.section), origins.rank(row.origin), object, name)
        });
    }

    /// Returns the section that a row is in.
    #[must_use]
    pub fn section(&self, row: &Row) -> &Section {
        self.sections.get(row.section)
    }

    /// Returns the origin of a row.
    #[must_use]
    pub fn origin(&self, row: &Row) -> &Origin {
        self.origins.get(row.origin)
    }

    /// Returns the object from which the linker took the bytes of a row, if it is known.
    #[must_use]
    pub fn object(&self, row: &Row) -> Option<&Object> {
        row.object.map(|id| self.objects.get(id))
    }

    /// Returns the name of a row's function, variable or Python module, if it is known.
    #[must_use]
    pub fn name(&self, row: &Row) -> Option<&str> {
        row.name.map(|id| self.names.get(id))
    }

    /// Returns the total number of bytes of all rows for which `test` returns true.
    pub fn sum(&self, test: impl Fn(&Row) -> bool) -> u64 {
        self.rows.iter().filter(|row| test(row)).map(|row| row.bytes).sum()
    }

    /// Returns true if the module has functions, but none of them has a known origin.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        let is_code = |row: &Row| *self.section(row) == Section::CODE && row.kind != Kind::Format;
        let code = self.sum(is_code);
        code > 0 && self.sum(|row| is_code(row) && row.kind == Kind::Unknown) == code
    }

    /// Returns the rows for which `test` returns true, as a separate breakdown.
    #[must_use]
    pub fn only(&self, test: impl Fn(&Row) -> bool) -> Self {
        let mut part =
            Self { rows: Vec::new(), total: 0, gzip: None, notes: Vec::new(), ..self.clone() };
        self.rows.iter().filter(|row| test(row)).for_each(|row| part.push(*row));
        part
    }
}

/// The rank of each value in a [`Table`]: its position when the values are sorted by their text.
struct Ranks(Vec<u32>);

impl Ranks {
    fn of<T: Eq + std::hash::Hash + ToString + ?Sized>(table: &Table<T>) -> Self {
        let mut order: Vec<(String, usize)> =
            table.values().map(ToString::to_string).zip(0..).collect();
        order.sort_unstable();
        let mut ranks = vec![0; order.len()];
        for (rank, (_, index)) in (0..).zip(order) {
            ranks[index] = rank;
        }
        Self(ranks)
    }

    fn rank(&self, id: Id) -> u32 {
        self.0[id.index()]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns a breakdown with these rows: kind, section, origin, object, name, bytes. An empty
    /// object or name means that there is none.
    pub(crate) fn breakdown(rows: &[(Kind, &str, &str, &str, &str, u64)]) -> Breakdown {
        let mut all = Breakdown::default();
        for (kind, section, origin, object, name, bytes) in rows {
            let (kind, bytes) = (*kind, *bytes);
            let section = all.sections.id(section.parse::<Section>().unwrap());
            let origin = all.origins.id(Origin::parse(kind, origin).unwrap());
            let object = (!object.is_empty()).then(|| {
                let Ok(object) = object.parse::<Object>();
                all.objects.id(object)
            });
            let name = (!name.is_empty()).then(|| all.names.id(*name));
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
    fn equal_rows_are_merged_and_sorted() {
        let rows = [("b", 3), ("a", 4), ("b", 5), ("a", 0)];
        let all = breakdown(&rows.map(|(origin, bytes)| (Kind::C, "code", origin, "", "", bytes)));
        assert_eq!(all.total, 12);
        assert_eq!(all.sum(|_| true), 12);
        let rows: Vec<(String, u32, u64)> =
            all.rows.iter().map(|it| (all.origin(it).to_string(), it.count, it.bytes)).collect();
        assert_eq!(rows, [("a".to_owned(), 1, 4), ("b".to_owned(), 2, 8)]);
    }
}
