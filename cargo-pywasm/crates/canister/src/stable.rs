//! Stable memory, with copy-on-write pages.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The size of a page in bytes.
pub(super) const PAGE: usize = 64 << 10;

type Page = [u8; PAGE];

/// A canister's stable memory. Pages that were never written are not allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stable {
    size: u64,
    pages: Arc<BTreeMap<u64, Arc<Page>>>,
}

impl Stable {
    /// Returns the size of the memory in pages.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Grows the memory by `by` pages and returns its previous size, or `None` if the size would
    /// exceed `max` pages.
    pub(super) fn grow(&mut self, by: u64, max: u64) -> Option<u64> {
        let before = self.size;
        self.size = before.checked_add(by).filter(|size| *size <= max)?;
        Some(before)
    }

    /// Returns true if the range is in the memory.
    fn contains(&self, offset: u64, len: u64) -> bool {
        let end = u128::from(offset) + u128::from(len);
        end <= u128::from(self.size) * PAGE as u128
    }

    /// Reads into `out`, or returns an error message if the range is out of bounds.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), String> {
        self.check(offset, out.len() as u64)?;
        let mut done = 0;
        for (page, range) in pieces(offset, out.len()) {
            let to = &mut out[done..done + range.len()];
            done += range.len();
            match self.pages.get(&page) {
                Some(bytes) => to.copy_from_slice(&bytes[range]),
                None => to.fill(0),
            }
        }
        Ok(())
    }

    /// Writes bytes, or returns an error message if the range is out of bounds.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), String> {
        self.check(offset, bytes.len() as u64)?;
        let pages = Arc::make_mut(&mut self.pages);
        let mut done = 0;
        for (page, range) in pieces(offset, bytes.len()) {
            let from = &bytes[done..done + range.len()];
            done += range.len();
            let page = pages.entry(page).or_insert_with(|| Arc::new([0; PAGE]));
            Arc::make_mut(page)[range].copy_from_slice(from);
        }
        Ok(())
    }

    /// Checks that a range is in the memory.
    pub(super) fn check(&self, offset: u64, len: u64) -> Result<(), String> {
        if self.contains(offset, len) {
            return Ok(());
        }
        Err(format!(
            "{len} bytes at {offset} are out of bounds: stable memory has {} pages of 64 KiB",
            self.size
        ))
    }

    /// Returns the pages that were written, in order.
    pub(super) fn written(&self) -> impl ExactSizeIterator<Item = (u64, &Page)> {
        self.pages.iter().map(|(index, page)| (*index, &**page))
    }
}

/// Splits a memory range into pages. Returns the index of each page, and the range within that
/// page.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let mut left = len;
    let mut at = offset;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let begin = (at % PAGE as u64) as usize;
        let count = left.min(PAGE - begin);
        let page = at / PAGE as u64;
        left -= count;
        at += count as u64;
        Some((page, begin..begin + count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_across_pages_is_read_back() {
        let mut stable = Stable::default();
        assert_eq!(stable.grow(3, 3), Some(0));
        let offset = PAGE as u64 - 2;
        stable.write(offset, b"abcdef").unwrap();
        let mut out = [1; 10];
        stable.read(offset - 2, &mut out).unwrap();
        assert_eq!(&out, b"\0\0abcdef\0\0");
    }

    #[test]
    fn copy_is_independent_of_the_original() {
        let mut stable = Stable::default();
        stable.grow(1, 1);
        stable.write(0, b"old").unwrap();
        let copy = stable.clone();
        stable.write(0, b"new").unwrap();
        let mut out = [0; 3];
        copy.read(0, &mut out).unwrap();
        assert_eq!(&out, b"old");
    }

    #[test]
    fn limit_and_bounds_are_checked() {
        let mut stable = Stable::default();
        assert_eq!(stable.grow(2, 2), Some(0));
        assert_eq!(stable.grow(1, 2), None);
        assert_eq!(stable.grow(u64::MAX, u64::MAX), None);
        assert_eq!(stable.size(), 2);
        assert!(stable.write(2 * PAGE as u64 - 1, b"ab").is_err());
        assert!(stable.read(u64::MAX, &mut [0]).is_err());
        assert!(stable.write(2 * PAGE as u64, b"").is_ok());
    }
}
