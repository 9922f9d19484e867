//! LZ4: unpacked in a few instructions a byte.
//!
//! Source: "LZ4 Block Format Description",
//! <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>.

use ::lz4::block::CompressionMode;
use anyhow::Context;
use walrus::ir::BinaryOp;
use walrus::{InstrSeqBuilder, LocalId, ModuleLocals, ValType};

use super::unpack::{Copier, HALFWORD, Places, UNALIGNED, advance, number};

/// lz4's own highest level: a module is packed once, and unpacked as fast as at any other.
const LEVEL: i32 = 12;

/// One block.
pub(super) fn compress(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mode = CompressionMode::HIGHCOMPRESSION(LEVEL);
    ::lz4::block::compress(bytes, Some(mode), false).context("lz4")
}

/// The decoder of a block in WebAssembly, in some sixty instructions.
pub(super) struct Decoder<'c> {
    copier: &'c Copier,
    /// The address behind what is read.
    limit: u32,
    token: LocalId,
    byte: LocalId,
}

impl<'c> Decoder<'c> {
    pub(super) fn new(copier: &'c Copier, at: &Places, locals: &mut ModuleLocals) -> Self {
        let mut local = || locals.add(ValType::I32);
        Self { copier, limit: at.place + at.length, token: local(), byte: local() }
    }

    pub(super) fn emit(&self, code: &mut InstrSeqBuilder<'_>) {
        code.block(None, |done| {
            let end = done.id();
            done.loop_(None, |sequence| {
                let next = sequence.id();
                self.literals(sequence);
                // The last sequence has literals only.
                let limit = number(self.limit);
                sequence.local_get(self.copier.from).const_(limit).binop(BinaryOp::I32GeU);
                sequence.br_if(end);
                self.matched(sequence);
                sequence.br(next);
            });
        });
    }

    fn literals(&self, code: &mut InstrSeqBuilder<'_>) {
        let Copier { memory, from, to, rest, .. } = *self.copier;
        self.copier.byte(code, self.token);
        code.local_get(self.token).i32_const(4).binop(BinaryOp::I32ShrU).local_set(rest);
        self.more(code);
        // Every other sequence has none.
        code.local_get(rest).if_else(
            None,
            |copy| {
                copy.local_get(to).local_get(from).local_get(rest);
                copy.memory_copy(memory, memory);
                advance(copy, to, rest);
                advance(copy, from, rest);
            },
            |_| {},
        );
    }

    fn matched(&self, code: &mut InstrSeqBuilder<'_>) {
        let Copier { memory, from, rest, offset, .. } = *self.copier;
        code.local_get(from).load(memory, HALFWORD, UNALIGNED).local_set(offset);
        code.local_get(from).i32_const(2).binop(BinaryOp::I32Add).local_set(from);
        code.local_get(self.token).i32_const(15).binop(BinaryOp::I32And).local_set(rest);
        self.more(code);
        code.local_get(rest).i32_const(4).binop(BinaryOp::I32Add).local_set(rest);
        self.copier.matched(code);
    }

    /// A length of 15 goes on in bytes: as long as they are 255.
    fn more(&self, code: &mut InstrSeqBuilder<'_>) {
        let rest = self.copier.rest;
        code.local_get(rest).i32_const(15).binop(BinaryOp::I32Eq);
        code.if_else(
            None,
            |then| {
                then.loop_(None, |add| {
                    let again = add.id();
                    self.copier.byte(add, self.byte);
                    advance(add, rest, self.byte);
                    add.local_get(self.byte).i32_const(255).binop(BinaryOp::I32Eq).br_if(again);
                });
            },
            |_| {},
        );
    }
}

/// The sequences of a block: literals, how many bytes are no literals, and how far back the match begins with
/// its length.
pub(super) fn sequences<'a>(
    packed: &'a [u8],
    mut see: impl FnMut(&'a [u8], u64, Option<(usize, usize)>) -> Option<()>,
) -> Option<()> {
    let mut rest = packed;
    while !rest.is_empty() {
        let before = rest.len();
        let token = byte(&mut rest)?;
        let count = length(token >> 4, &mut rest)?;
        let (literals, behind) = rest.split_at_checked(count)?;
        rest = behind;
        let mut matched = None;
        // The last sequence has literals only.
        if !rest.is_empty() {
            let offset = u16::from_le_bytes([byte(&mut rest)?, byte(&mut rest)?]);
            let count = length(token & 15, &mut rest)?.checked_add(4)?;
            matched = Some((usize::from(offset), count));
        }
        see(literals, (before - rest.len() - literals.len()) as u64, matched)?;
    }
    Some(())
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    Some(*first)
}

/// A length of 15 goes on in bytes: as long as they are 255.
fn length(nibble: u8, rest: &mut &[u8]) -> Option<usize> {
    let mut sum = usize::from(nibble);
    if nibble == 15 {
        loop {
            let next = byte(rest)?;
            sum = sum.checked_add(usize::from(next))?;
            if next != 255 {
                break;
            }
        }
    }
    Some(sum)
}
