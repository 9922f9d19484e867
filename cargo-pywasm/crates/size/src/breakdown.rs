//! The model: rows of bytes, each with where it is and whose it is.

use std::collections::HashMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// What bytes are. Colours and totals go by it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Frozen code of Python.
    Python,
    /// Code and data of C, CPython's own among it.
    C,
    /// Code and data of Rust.
    Rust,
    /// Code and data of which nothing tells whose it is.
    #[default]
    Unknown,
    /// What only debuggers read: names, debug information, who produced it.
    Debug,
    /// What the format needs: types, imports, tables, the heads of sections.
    Format,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 6] =
        [Self::Python, Self::C, Self::Rust, Self::Unknown, Self::Debug, Self::Format];

    /// Its name in tables, files and budgets.
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

/// A label, by its number in [`Labels`]. 0 is none.
pub(super) type LabelId = u32;

/// Some bytes of a module that have everything in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// What they are.
    pub kind: Kind,
    /// The section they are in: `code`, `data`, `custom section name`.
    pub section: LabelId,
    /// Whose they are: a Python module, an object, a crate, a family of names.
    pub origin: LabelId,
    /// The object that the linker took them from, where that is known.
    pub object: LabelId,
    /// The function or the variable, where that is known.
    pub name: LabelId,
    /// How many things they are: functions, variables.
    pub count: u32,
    /// How many bytes.
    pub bytes: u64,
}

impl Row {
    /// What it has in common with others.
    fn key(&self) -> (Kind, LabelId, LabelId, LabelId, LabelId) {
        (self.kind, self.section, self.origin, self.object, self.name)
    }

    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.count = self.count.saturating_add(other.count);
    }
}

/// Texts, each once.
#[derive(Clone, Debug)]
pub struct Labels {
    texts: Vec<Rc<str>>,
    known: HashMap<Rc<str>, LabelId>,
}

impl Default for Labels {
    fn default() -> Self {
        let none: Rc<str> = "".into();
        Self { texts: vec![Rc::clone(&none)], known: HashMap::from([(none, 0)]) }
    }
}

impl Labels {
    /// The number of a text.
    pub fn id(&mut self, text: &str) -> LabelId {
        if let Some(id) = self.known.get(text) {
            return *id;
        }
        let id = u32::try_from(self.texts.len()).expect("a module has less than 2^32 bytes");
        let text: Rc<str> = text.into();
        self.texts.push(Rc::clone(&text));
        self.known.insert(text, id);
        id
    }

    /// The text of a number; of one that was never given, none.
    #[must_use]
    pub fn text(&self, id: LabelId) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }
}

/// Where all bytes of a module are.
#[derive(Clone, Debug, Default)]
pub struct Breakdown {
    /// The texts of the rows.
    pub labels: Labels,
    /// The rows; no two have all but the bytes in common. Their bytes add up to [`Breakdown::total`].
    pub rows: Vec<Row>,
    /// The size of the module, in bytes.
    pub total: u64,
    /// Its size compressed by gzip, where somebody asked for it.
    pub gzip: Option<u64>,
    /// What one should know to read it right, in sentences.
    pub notes: Vec<String>,
}

impl Breakdown {
    /// Adds bytes.
    pub(super) fn push(&mut self, row: Row) {
        self.total += row.bytes;
        match self.rows.last_mut() {
            // Of a million functions that nothing tells apart, one row.
            Some(last) if last.key() == row.key() => last.add(&row),
            _ if row.bytes > 0 => self.rows.push(row),
            _ => {}
        }
    }

    /// Makes one row of those that have all but the bytes in common, and puts rows in an order that only
    /// depends on what they say.
    pub(super) fn close(&mut self) {
        self.rows.sort_unstable_by_key(Row::key);
        self.rows.dedup_by(|next, kept| {
            let same = next.key() == kept.key();
            if same {
                kept.add(next);
            }
            same
        });
        let labels = &self.labels;
        let texts =
            |it: &Row| [it.section, it.origin, it.object, it.name].map(|id| labels.text(id));
        self.rows
            .sort_unstable_by(|one, other| (one.kind, texts(one)).cmp(&(other.kind, texts(other))));
    }

    /// The bytes of what a test is true of.
    pub fn sum(&self, test: impl Fn(&Row) -> bool) -> u64 {
        self.rows.iter().filter(|row| test(row)).map(|row| row.bytes).sum()
    }

    /// Whether nothing tells its functions apart.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        let is_code = |row: &Row| self.text(row.section) == "code" && row.kind != Kind::Format;
        let code = self.sum(is_code);
        code > 0 && self.sum(|row| is_code(row) && row.kind == Kind::Unknown) == code
    }

    /// The part of it that a test is true of.
    #[must_use]
    pub fn only(&self, test: impl Fn(&Row) -> bool) -> Self {
        let mut part = Self { labels: self.labels.clone(), ..Self::default() };
        self.rows.iter().filter(|row| test(row)).for_each(|row| part.push(*row));
        part
    }

    /// The text of a label.
    #[must_use]
    pub fn text(&self, id: LabelId) -> &str {
        self.labels.text(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_all_in_common_is_one_row_and_the_sum_is_kept() {
        let mut all = Breakdown::default();
        let (code, b, a) = (all.labels.id("code"), all.labels.id("b"), all.labels.id("a"));
        let row = |origin, bytes| Row {
            kind: Kind::C,
            section: code,
            origin,
            object: 0,
            name: 0,
            count: 1,
            bytes,
        };
        for (origin, bytes) in [(b, 3), (a, 4), (b, 5), (a, 0)] {
            all.push(row(origin, bytes));
        }
        all.close();
        assert_eq!(all.total, 12);
        assert_eq!(all.sum(|_| true), 12);
        let told: Vec<(&str, u32, u64)> =
            all.rows.iter().map(|it| (all.text(it.origin), it.count, it.bytes)).collect();
        assert_eq!(told, [("a", 1, 4), ("b", 2, 8)]);
        assert_eq!(all.text(99), "");
    }
}
