//! Data that was packed, read again: what the module holds once it has started, and what each part of it
//! costs.

use std::ops::Range;

use wasmparser::{FunctionBody, Operator};

use super::lz4;

/// Packed data of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpacked<'a> {
    /// The address where its content goes.
    pub target: u32,
    packed: &'a [u8],
}

/// Data that unpacks to more times its size is hardly code, and nobody looks for any in it.
const MOST_TIMES: usize = 16;

impl<'a> Unpacked<'a> {
    /// Recognizes what [`super::pack`] writes: the start function copies a passive segment, the only one,
    /// onto the stack and goes on from there. `segments` are the module's, passive ones by their content.
    #[must_use]
    pub fn read(start: &FunctionBody<'_>, segments: &[Option<&'a [u8]>]) -> Option<Self> {
        let [Some(packed)] = segments else { return None };
        let mut code = start.get_operators_reader().ok()?;
        let mut number = || match code.read().ok()? {
            Operator::I32Const { value } => Some(value),
            _ => None,
        };
        let (place, zero, length) = (number()?, number()?, number()?);
        if zero != 0 || usize::try_from(length) != Ok(packed.len()) {
            return None;
        }
        let next = [code.read().ok()?, code.read().ok()?];
        let [Operator::MemoryInit { data_index: 0, mem: 0 }, Operator::DataDrop { data_index: 0 }] =
            next
        else {
            return None;
        };
        let is_place = matches!(code.read(), Ok(Operator::I32Const { value }) if value == place);
        let is_kept = matches!(code.read(), Ok(Operator::LocalSet { .. }));
        let Ok(Operator::I32Const { value: target }) = code.read() else { return None };
        (is_place && is_kept).then_some(Self { target: target.cast_unsigned(), packed })
    }

    /// Its content; none where it is broken or much larger than what it is packed in.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        let most = self.packed.len().saturating_mul(MOST_TIMES);
        let mut bytes: Vec<u8> = Vec::new();
        let whole = lz4::sequences(self.packed, |literals, _, matched| {
            bytes.extend_from_slice(literals);
            let Some((offset, length)) = matched else { return Some(()) };
            let from = bytes.len().checked_sub(offset).filter(|_| offset > 0)?;
            (length <= most.checked_sub(bytes.len())?).then_some(())?;
            for at in from..from + length {
                bytes.push(bytes[at]);
            }
            Some(())
        });
        whole.map(|()| bytes)
    }

    /// What its parts cost: ranges of addresses with the bytes of the packed form that are spent on them,
    /// which add up to the packed size. Of what is copied from an earlier place the address is that of the
    /// copy.
    pub(crate) fn costs(&self, mut tell: impl FnMut(Range<u64>, Cost)) -> Option<()> {
        let mut at = u64::from(self.target);
        lz4::sequences(self.packed, |literals, overhead, matched| {
            let end = at + literals.len() as u64;
            tell(at..end, Cost::Each);
            at = end + matched.map_or(0, |(_, length)| length as u64);
            tell(end..at, Cost::All(overhead));
            Some(())
        })
    }
}

/// How much of the packed form a range takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// A byte for each of its own.
    Each,
    /// So many for all of it.
    All(u64),
}
