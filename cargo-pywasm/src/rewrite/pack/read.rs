//! Data that was packed, read again: what the module holds once it has started, and what each part of it
//! costs.

use std::ops::Range;

use wasmparser::{FunctionBody, Operator, OperatorsReader};

use super::{lz4, lzma};

/// Packed data of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpacked<'a> {
    /// The address where its content goes.
    pub target: u32,
    packed: &'a [u8],
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Lz4,
    /// With the length of the content.
    Lzma(usize),
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
        let (place, zero, length) = (number(&mut code)?, number(&mut code)?, number(&mut code)?);
        if zero != 0 || usize::try_from(length) != Ok(packed.len()) {
            return None;
        }
        let next = [code.read().ok()?, code.read().ok()?];
        let [Operator::MemoryInit { data_index: 0, mem: 0 }, Operator::DataDrop { data_index: 0 }] =
            next
        else {
            return None;
        };
        (kept(&mut code)? == place).then_some(())?;
        let target = kept(&mut code)?;
        let form = Form::read(&mut code, target)?;
        Some(Self { target, packed, form })
    }

    /// Its content; none where it is broken or much larger than what it is packed in.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        let most = self.packed.len().saturating_mul(MOST_TIMES);
        if let Form::Lzma(length) = self.form {
            (length <= most).then_some(())?;
            return lzma::unpack(self.packed, length, |_, _| {}).map(|(bytes, _)| bytes);
        }
        let mut bytes: Vec<u8> = Vec::new();
        let whole = lz4::sequences(self.packed, |literals, _, matched| {
            bytes.extend_from_slice(literals);
            let Some((offset, length)) = matched else { return Some(()) };
            (length <= most.checked_sub(bytes.len())?).then_some(())?;
            repeat(&mut bytes, offset, length)
        });
        whole.map(|()| bytes)
    }

    /// What its parts cost: ranges of addresses with the bytes of the packed form that are spent on them,
    /// which add up to the packed size. Of what is copied from an earlier place the address is that of the
    /// copy.
    pub(crate) fn costs(&self, mut tell: impl FnMut(Range<u64>, Cost)) -> Option<()> {
        let mut at = u64::from(self.target);
        if let Form::Lzma(length) = self.form {
            lzma::is_read(self.packed.len(), length).then_some(())?;
            let (_, read) = lzma::unpack(self.packed, length, |range, bytes| {
                tell(at + range.start as u64..at + range.end as u64, Cost::All(bytes));
            })?;
            return (read == self.packed.len()).then_some(());
        }
        lz4::sequences(self.packed, |literals, overhead, matched| {
            let end = at + literals.len() as u64;
            tell(at..end, Cost::Each);
            at = end + matched.map_or(0, |(_, length)| length as u64);
            tell(end..at, Cost::All(overhead));
            Some(())
        })
    }
}

impl Form {
    /// By what the decoder begins with. That of LZ4 has nothing to prepare; that of LZMA keeps where the content
    /// ends, and a range of 2^32 - 1.
    fn read(code: &mut OperatorsReader<'_>, target: u32) -> Option<Self> {
        if matches!(code.clone().read(), Ok(Operator::Block { .. })) {
            return Some(Self::Lz4);
        }
        let (end, range) = (kept(code)?, kept(code)?);
        let length = end.checked_sub(target).filter(|length| *length > 0 && range == u32::MAX)?;
        usize::try_from(length).ok().map(Self::Lzma)
    }
}

/// A number, and nothing else.
fn number(code: &mut OperatorsReader<'_>) -> Option<u32> {
    match code.read().ok()? {
        Operator::I32Const { value } => Some(value.cast_unsigned()),
        _ => None,
    }
}

/// A number that a variable takes.
fn kept(code: &mut OperatorsReader<'_>) -> Option<u32> {
    let value = number(code)?;
    matches!(code.read(), Ok(Operator::LocalSet { .. })).then_some(value)
}

/// Copies so much from an earlier place, which may run into what it writes.
pub(super) fn repeat(bytes: &mut Vec<u8>, offset: usize, length: usize) -> Option<()> {
    let from = bytes.len().checked_sub(offset).filter(|_| offset > 0)?;
    for at in from..from + length {
        bytes.push(bytes[at]);
    }
    Some(())
}

/// How much of the packed form a range takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// A byte for each of its own.
    Each,
    /// So many for all of it.
    All(u64),
}
