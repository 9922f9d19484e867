//! Tables of values that are stored once and referenced by number, because a module has many rows
//! but few distinct labels.

use std::borrow::Borrow;
use std::hash::Hash;
use std::num::NonZeroU32;

use indexmap::IndexSet;

/// The number of a value in a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(NonZeroU32);

impl Id {
    /// Returns the position of the value in the table.
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Distinct values, in the order of their first use.
#[derive(Debug)]
pub(crate) struct Table<T: ?Sized>(IndexSet<Box<T>>);

impl<T: ?Sized> Default for Table<T> {
    fn default() -> Self {
        Self(IndexSet::new())
    }
}

impl<T: ?Sized> Clone for Table<T>
where
    Box<T>: Clone,
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Eq + Hash + ?Sized> Table<T> {
    /// Returns the number of a value. Adds the value if it is new.
    pub(crate) fn id<V: Borrow<T> + Into<Box<T>>>(&mut self, value: V) -> Id {
        let index = match self.0.get_index_of(value.borrow()) {
            Some(index) => index,
            None => self.0.insert_full(value.into()).0,
        };
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        Id(number.expect("a module of fewer than 2^32 bytes has fewer than 2^32 values"))
    }

    /// Returns the value with the number `id`, which must come from this table.
    pub(crate) fn get(&self, id: Id) -> &T {
        &self.0[id.index()]
    }

    /// Returns all values, in the order of their numbers.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_number() {
        let mut table: Table<str> = Table::default();
        let (a, b) = (table.id("a"), table.id("b"));
        assert_eq!((table.id("a"), table.get(a), table.get(b)), (a, "a", "b"));
        assert_eq!(table.values().collect::<Vec<_>>(), ["a", "b"]);
    }
}
