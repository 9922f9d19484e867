//! What became larger and smaller from one module to another.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Breakdown, By, Kind, View};

/// A line that two tables do not have with the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What its bytes are; a section has bytes of many kinds.
    pub kind: Option<Kind>,
    /// What it is called.
    pub label: String,
    /// Bytes before; of what was not there, 0.
    pub before: u64,
    /// Bytes now; of what is gone, 0.
    pub after: u64,
}

impl Change {
    /// By how much it has grown.
    #[must_use]
    pub fn by(&self) -> i64 {
        self.after.cast_signed() - self.before.cast_signed()
    }

    /// What has become of it.
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

/// The changes of a table, the largest first, whether up or down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What is not as it was.
    pub changes: Vec<Change>,
    /// The size before.
    pub before: u64,
    /// The size now.
    pub after: u64,
}

impl Diff {
    /// What has changed in the table `by`.
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

    /// What became larger or is new, the most first.
    pub fn grown(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|it| it.by() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{breakdown, example};

    #[test]
    fn changes_are_told_by_how_much_and_add_up() {
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
        let told: Vec<(&str, i64, &str)> =
            diff.changes.iter().map(|it| (it.label.as_str(), it.by(), it.word())).collect();
        assert_eq!(
            told,
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
