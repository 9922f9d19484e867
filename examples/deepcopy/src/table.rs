//! The memo table, which maps the addresses of originals to their copies, in insertion order.
//!
//! Entries are stored in a dense vector, like those of a Python dict, so that a memo converted to a
//! dict has the same order as in `copy.deepcopy`. A table with up to [`SCAN`] entries is searched
//! linearly. A larger table has an index with open addressing and linear probing.
//!
//! Entries are never removed. Running out of memory is an error, not a panic.

use std::collections::TryReserveError;

/// The number of entries up to which a linear search is faster than an index.
const SCAN: usize = 8;

/// The multiplier of Fibonacci hashing: 2^64 divided by the golden ratio, made odd. The high bits
/// of the product depend on all bits of an address, even if its low bits are always zero.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A map from addresses to `V` in insertion order.
#[derive(Debug)]
pub(crate) struct Table<V> {
    entries: Vec<(usize, V)>,
    /// For each slot, a position in `entries` plus one, or 0 if the slot is free. The length is 0
    /// or a power of two, and at least twice the number of entries, so that every probe ends.
    index: Vec<u32>,
}

impl<V> Table<V> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), index: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Iterates over the entries, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &V)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    pub(crate) fn get(&self, key: usize) -> Option<&V> {
        let at = self.find(key)?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// Sets the value of a key. An existing key keeps its position.
    ///
    /// # Errors
    ///
    /// If memory for another entry cannot be allocated. The table is then unchanged.
    pub(crate) fn insert(&mut self, key: usize, value: V) -> Result<(), TryReserveError> {
        if let Some(entry) = self.find(key).and_then(|at| self.entries.get_mut(at)) {
            entry.1 = value;
            return Ok(());
        }
        self.entries.try_reserve(1)?;
        let count = self.entries.len() + 1;
        if count > SCAN && self.index.len() < 2 * count {
            self.rebuild_index((4 * count).next_power_of_two())?;
        }
        self.entries.push((key, value));
        if !self.index.is_empty() {
            occupy(&mut self.index, key, count);
        }
        Ok(())
    }

    /// Returns the position of `key` in `entries`.
    #[inline]
    fn find(&self, key: usize) -> Option<usize> {
        if self.index.is_empty() {
            return self.entries.iter().position(|(known, _)| *known == key);
        }
        let mut slot = first_slot(key, self.index.len());
        loop {
            let at = (*self.index.get(slot)? as usize).checked_sub(1)?;
            if self.entries.get(at)?.0 == key {
                return Some(at);
            }
            slot = (slot + 1) & (self.index.len() - 1);
        }
    }

    fn rebuild_index(&mut self, slots: usize) -> Result<(), TryReserveError> {
        let mut index = Vec::new();
        index.try_reserve_exact(slots)?;
        index.resize(slots, 0);
        for (at, (key, _)) in self.entries.iter().enumerate() {
            occupy(&mut index, *key, at + 1);
        }
        self.index = index;
        Ok(())
    }
}

/// Returns the slot at which the search for `key` starts. `slots` is a power of two above 1.
#[inline]
fn first_slot(key: usize, slots: usize) -> usize {
    let shift = u64::BITS - slots.trailing_zeros();
    ((key as u64).wrapping_mul(GOLDEN) >> shift) as usize
}

/// Writes `number` into the first free slot for `key`, which must not be in the index yet.
fn occupy(index: &mut [u32], key: usize, number: usize) {
    let mask = index.len() - 1;
    let mut slot = first_slot(key, index.len());
    while index[slot] != 0 {
        slot = (slot + 1) & mask;
    }
    // An entry takes at least 8 bytes, so 2^32 entries exceed the memory of a wasm module.
    index[slot] = number as u32;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(keys: impl IntoIterator<Item = usize>) -> Table<usize> {
        let mut table = Table::new();
        for key in keys {
            table.insert(key, !key).unwrap();
        }
        table
    }

    #[test]
    fn empty_table_finds_nothing() {
        assert_eq!(Table::<u8>::new().get(16), None);
    }

    #[test]
    fn keys_are_found_with_and_without_index() {
        for count in [1, SCAN - 1, SCAN, SCAN + 1, SCAN + 2, 100, 5000] {
            let table = table_of((1..=count).map(|n| n * 16));
            assert_eq!(table.len(), count);
            for n in 1..=count {
                assert_eq!(table.get(n * 16), Some(&!(n * 16)), "{n} of {count}");
            }
            assert_eq!(table.get((count + 1) * 16), None);
            assert_eq!(table.get(8), None);
        }
    }

    #[test]
    fn insert_replaces_the_value_of_a_known_key() {
        for count in [3, 300] {
            let mut table = table_of((1..=count).map(|n| n * 8));
            table.insert(16, 7).unwrap();
            assert_eq!(table.len(), count);
            assert_eq!(table.get(16), Some(&7));
            assert_eq!(table.iter().nth(1), Some((16, &7)));
        }
    }

    #[test]
    fn entries_keep_insertion_order() {
        let keys: Vec<usize> = (0..1000).map(|n| (n * 7919 % 1000) * 16 + 16).collect();
        let table = table_of(keys.iter().copied());
        assert!(table.iter().map(|(key, _)| key).eq(keys));
    }

    #[test]
    fn colliding_keys_are_kept() {
        let slots = (4 * (SCAN + 1)).next_power_of_two();
        let target = first_slot(16, slots);
        let colliding: Vec<usize> = (1..)
            .map(|n| n * 16)
            .filter(|key| first_slot(*key, slots) == target)
            .take(SCAN + 4)
            .collect();
        let table = table_of(colliding.iter().copied());
        for key in &colliding {
            assert_eq!(table.get(*key), Some(&!key));
        }
    }

    #[test]
    fn consecutive_addresses_spread_over_the_index() {
        let slots = 4096;
        let mut used = vec![false; slots];
        for n in 0..slots / 2 {
            used[first_slot(0x0010_0000 + n * 32, slots)] = true;
        }
        let distinct = used.iter().filter(|slot| **slot).count();
        assert!(distinct > slots / 4, "only {distinct} first slots");
    }
}
