//! Differences in size between two modules.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::{Breakdown, By, Kind, View};

/// A line whose number of bytes differs between two tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The kind of the bytes; `None` for a section, which contains bytes of several kinds.
    pub kind: Option<Kind>,
    /// The text of the line.
    pub label: String,
    /// The number of bytes in the older module, or 0 if the line is new.
    pub before: u64,
    /// The number of bytes in the newer module, or 0 if the line was removed.
    pub after: u64,
}

impl Change {
    /// Returns the growth in bytes.
    #[must_use]
    pub fn by(&self) -> i64 {
        self.after.cast_signed() - self.before.cast_signed()
    }

    /// Returns a word that describes the change, such as `larger`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.before, self.after) {
            (0, _) => "new",
            (_, 0) => "gone",
            (before, after) if after > before => "larger",
            _ => "smaller",
        }
    }
}

/// The differences between the tables of two modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The lines that changed. The largest changes come first, whether the line grew or shrank.
    pub changes: Vec<Change>,
    /// The size of the older module.
    pub before: u64,
    /// The size of the newer module.
    pub after: u64,
}

impl Diff {
    /// Groups the rows of two modules by `by`, and compares the resulting tables.
    #[must_use]
    pub fn of(old: &Breakdown, new: &Breakdown, by: By) -> Self {
        let mut lines: BTreeMap<(Option<Kind>, String), (u64, u64)> = BTreeMap::new();
        for entry in View::of(old, by).entries {
            lines.entry((entry.kind, entry.label)).or_default().0 += entry.bytes;
        }
        for entry in View::of(new, by).entries {
            lines.entry((entry.kind, entry.label)).or_default().1 += entry.bytes;
        }
        let change = |((kind, label), (before, after))| Change { kind, label, before, after };
        let mut changes: Vec<Change> = lines.into_iter().map(change).collect();
        changes.retain(|it| it.before != it.after);
        changes.sort_by_key(|it| Reverse(it.by().unsigned_abs()));
        Self { changes, before: old.total, after: new.total }
    }

    /// Returns the lines that are new or have grown, the largest growth first.
    pub fn grown(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|it| it.by() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::tests::{breakdown, example};

    #[test]
    fn changes_are_sorted_and_add_up() {
        let new = breakdown(&[
            (Kind::Python, "data", "email", "", "email", 60),
            (Kind::C, "code", "l.a(call.o)", "l.a(call.o)", "PyObject_Call", 100),
            (Kind::C, "data", "l.a(call.o)", "l.a(call.o)", "constants", 4),
            (Kind::Rust, "code", "crate alloc", "demo.o", "alloc::f", 50),
            (Kind::Unknown, "code", "without a name", "", "function 3", 5),
            (Kind::Debug, "custom section `name`", "custom section `name`", "", "", 40),
            (Kind::Format, "type", "type", "", "", 8),
        ]);
        let diff = Diff::of(&example(), &new, By::Origin);
        let changes: Vec<(&str, i64, &str)> =
            diff.changes.iter().map(|it| (it.label.as_str(), it.by(), it.word())).collect();
        assert_eq!(
            changes,
            [
                ("crate alloc", 50, "new"),
                ("crate core", -50, "gone"),
                ("email", 30, "larger"),
                ("l.a(call.o)", -3, "smaller"),
            ]
        );
        let sum: i64 = diff.changes.iter().map(Change::by).sum();
        assert_eq!(sum, diff.after.cast_signed() - diff.before.cast_signed());
        assert_eq!(diff.grown().count(), 2);
        assert!(Diff::of(&new, &new, By::Function).changes.is_empty());
    }
}
