//! The initial memory contents, and the owner of the byte at each address. Garbage collection and
//! optimization change file offsets, but not addresses.

use std::ops::Range;

use crate::map::Chunk;

/// The maximum accepted ratio of an image's size to the size of its data. If the data is more
/// spread out, no image is created, because the zeros between segments would need too much memory.
/// Python code and files are then not found.
const MAX_RATIO: u64 = 4;
/// The size in bytes up to which an image is accepted whatever its ratio.
const SMALL: u64 = 1 << 16;

/// The contents of memory from the first to the last byte of data, with zeros between segments.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pub(super) start: u32,
    pub(super) bytes: Vec<u8>,
}

impl Image {
    /// Places segments at their addresses, in the order in which they are written to memory.
    /// Returns `None` if they are too spread out.
    pub(super) fn of(segments: &[(u32, &[u8])]) -> Option<Self> {
        let end = |(at, data): &(u32, &[u8])| u64::from(*at) + data.len() as u64;
        let filled = segments.iter().filter(|(_, data)| !data.is_empty());
        let start = filled.clone().map(|(at, _)| *at).min()?;
        let length = filled.clone().map(end).max()? - u64::from(start);
        let data_length: u64 = filled.clone().map(|(_, data)| data.len() as u64).sum();
        if length > (data_length * MAX_RATIO).max(SMALL) || u64::from(start) + length > 1 << 32 {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        for (at, data) in filled {
            let at = (*at - start) as usize;
            bytes[at..at + data.len()].copy_from_slice(data);
        }
        Some(Self { start, bytes })
    }

    /// Returns the bytes at an address.
    pub(super) fn slice(&self, address: u32, length: u32) -> Option<&[u8]> {
        let from = address.checked_sub(self.start)? as usize;
        self.bytes.get(from..from.checked_add(length as usize)?)
    }

    /// Returns the 32-bit word at an address.
    pub(super) fn word(&self, address: u32) -> Option<u32> {
        let bytes = self.slice(address, 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// The owner of bytes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// Python code or a file, by its index in the list of pieces that were found.
    Python(u32),
    /// A piece of an object's data, by the index of the piece in the linker map.
    Chunk(u32),
    /// No owner is known.
    Unknown,
}

/// Pieces of memory with their owners, sorted by address. Memory between pieces has no known owner.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners(Vec<(Range<u64>, Owner)>);

impl Owners {
    /// Combines the data of objects with Python code and files, both sorted by address. Where they overlap,
    /// Python code and files take precedence.
    pub(super) fn new(chunks: &[Chunk<'_>], python: &[Range<u64>]) -> Self {
        let mut all = Vec::with_capacity(chunks.len() + python.len());
        let mut python = (0..).zip(python).peekable();
        for (number, chunk) in (0..).zip(chunks) {
            let begin = u64::from(chunk.address);
            let end = begin + u64::from(chunk.size);
            let mut at = all.last().map_or(0, |(range, _): &(Range<u64>, _)| range.end);
            while let Some((which, code)) = python.next_if(|(_, code)| code.start < end) {
                let from = code.start.max(at);
                let before = at.max(begin)..code.start;
                if !before.is_empty() {
                    all.push((before, Owner::Chunk(number)));
                }
                if from < code.end {
                    all.push((from..code.end, Owner::Python(which)));
                    at = code.end;
                }
            }
            let rest = at.max(begin)..end;
            if !rest.is_empty() {
                all.push((rest, Owner::Chunk(number)));
            }
        }
        let mut at = all.last().map_or(0, |(range, _)| range.end);
        for (which, code) in python {
            let from = code.start.max(at);
            if from < code.end {
                all.push((from..code.end, Owner::Python(which)));
                at = code.end;
            }
        }
        Self(all)
    }

    /// Splits a range of addresses by owner. Calls `visit` with the owner and the number of bytes
    /// of each part, in address order. The numbers add up to the length of the range.
    pub(super) fn split(&self, range: Range<u64>, mut visit: impl FnMut(Owner, u64)) {
        let mut at = range.start;
        let first = self.0.partition_point(|(piece, _)| piece.end <= at);
        for (piece, owner) in &self.0[first..] {
            if piece.start >= range.end {
                break;
            }
            if at < piece.start {
                visit(Owner::Unknown, piece.start - at);
                at = piece.start;
            }
            let end = piece.end.min(range.end);
            visit(*owner, end - at);
            at = end;
        }
        if at < range.end {
            visit(Owner::Unknown, range.end - at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(address: u32, size: u32) -> Chunk<'static> {
        Chunk { address, size, object: 0, name: "" }
    }

    fn split(owners: &Owners, range: Range<u64>) -> Vec<(Owner, u64)> {
        let mut all = Vec::new();
        owners.split(range, |owner, bytes| all.push((owner, bytes)));
        all
    }

    #[test]
    fn python_code_wins_over_its_object() {
        use Owner::{Chunk, Python, Unknown};
        let owners = Owners::new(&[chunk(10, 20), chunk(40, 10)], &[12..15, 15..16, 60..70]);
        assert_eq!(
            split(&owners, 5..80),
            [
                (Unknown, 5),
                (Chunk(0), 2),
                (Python(0), 3),
                (Python(1), 1),
                (Chunk(0), 14),
                (Unknown, 10),
                (Chunk(1), 10),
                (Unknown, 10),
                (Python(2), 10),
                (Unknown, 10)
            ]
        );
        assert_eq!(split(&owners, 13..14), [(Python(0), 1)]);
        assert_eq!(split(&Owners::default(), 1..4), [(Unknown, 3)]);
        // Python code that crosses chunk boundaries.
        let owners = Owners::new(&[chunk(10, 5), chunk(15, 5)], &[5..12, 13..17]);
        assert_eq!(
            split(&owners, 0..20),
            [(Unknown, 5), (Python(0), 7), (Chunk(0), 1), (Python(1), 4), (Chunk(1), 3)]
        );
    }

    #[test]
    fn spread_out_segments_make_no_image() {
        let image = Image::of(&[(8, b"ab"), (14, b"c"), (0, b"")]).unwrap();
        assert_eq!((image.start, &image.bytes[..]), (8, &b"ab\0\0\0\0c"[..]));
        assert_eq!(image.slice(9, 2), Some(&b"b\0"[..]));
        assert_eq!((image.slice(14, 2), image.slice(7, 1)), (None, None));
        assert!(Image::of(&[(0, b"a"), (1 << 30, b"b")]).is_none());
        assert!(Image::of(&[]).is_none());
    }
}
