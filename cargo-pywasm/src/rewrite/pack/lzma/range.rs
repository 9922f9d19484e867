//! The range decoder in WebAssembly: bits by probabilities, and trees of them. Bits are decoded where they are
//! wanted, so that its state stays in variables and no bit costs a call.
//!
//! Numbers that choose probabilities are counted in bytes, which is twice the specification's.

use walrus::ir::{BinaryOp, MemArg, StoreKind};
use walrus::{InstrSeqBuilder, LocalId, ModuleLocals, ValType};

use super::super::unpack::{BYTE, Copier, HALFWORD, Places, UNALIGNED, number};
use super::model::*;

pub(super) type Code<'a> = InstrSeqBuilder<'a>;

/// The decoder of bits, and its variables.
pub(super) struct Coder<'c> {
    copier: &'c Copier,
    /// The address behind the first code.
    begin: u32,
    /// The address of the probabilities.
    tables: u32,
    pub(super) range: LocalId,
    code: LocalId,
    /// Which probability it is that is looked at, and itself.
    index: LocalId,
    chance: LocalId,
    bound: LocalId,
    /// The bits of a tree that are known, behind a one.
    pub(super) symbol: LocalId,
    /// The first probability of a tree.
    pub(super) base: LocalId,
}

impl<'c> Coder<'c> {
    pub(super) fn new(copier: &'c Copier, at: &Places, locals: &mut ModuleLocals) -> Self {
        let mut local = || locals.add(ValType::I32);
        Self {
            copier,
            begin: at.place + 5,
            tables: at.place + super::tables(at.length),
            range: local(),
            code: local(),
            index: local(),
            chance: local(),
            bound: local(),
            symbol: local(),
            base: local(),
        }
    }

    /// Probabilities are even; the first five bytes are the code, the first of them is nothing.
    pub(super) fn start(&self, code: &mut Code<'_>) {
        let even = i64::from(EVEN) * 0x0001_0001_0001_0001;
        let store = MemArg { align: 8, offset: u64::from(self.tables) };
        code.const_(number(ALL * 2)).local_set(self.base);
        code.loop_(None, |each| {
            let again = each.id();
            each.local_get(self.base).i32_const(8).binop(BinaryOp::I32Sub).local_tee(self.base);
            each.i64_const(even);
            each.store(self.copier.memory, StoreKind::I64 { atomic: false }, store);
            each.local_get(self.base).br_if(again);
        });
        code.loop_(None, |each| {
            let again = each.id();
            self.shift(each);
            each.local_get(self.copier.from).const_(number(self.begin));
            each.binop(BinaryOp::I32LtU).br_if(again);
        });
    }

    /// A tree at `base`: `symbol` becomes as large as the limit.
    pub(super) fn tree(&self, code: &mut Code<'_>, table: u32, limit: impl FnOnce(&mut Code<'_>)) {
        code.i32_const(2).local_set(self.symbol);
        self.rest_of_tree(code, table, limit);
    }

    /// The same, from the bits on that are known.
    pub(super) fn rest_of_tree(
        &self,
        code: &mut Code<'_>,
        table: u32,
        limit: impl FnOnce(&mut Code<'_>),
    ) {
        code.loop_(None, |each| {
            let again = each.id();
            let zero = |code: &mut Code<'_>| self.grow(code, false);
            let one = |code: &mut Code<'_>| self.grow(code, true);
            self.bit(each, table, |code| self.leaf(code), zero, one);
            each.local_get(self.symbol);
            limit(each);
            each.binop(BinaryOp::I32LtU).br_if(again);
        });
    }

    pub(super) fn leaf(&self, code: &mut Code<'_>) {
        code.local_get(self.base).local_get(self.symbol).binop(BinaryOp::I32Add);
    }

    /// One bit more of a symbol.
    pub(super) fn grow(&self, code: &mut Code<'_>, bit: bool) {
        code.local_get(self.symbol).i32_const(1).binop(BinaryOp::I32Shl);
        if bit {
            code.i32_const(2).binop(BinaryOp::I32Or);
        }
        code.local_set(self.symbol);
    }

    /// Decodes a bit by the probability that lies `index` bytes behind the first of a table.
    pub(super) fn bit(
        &self,
        code: &mut Code<'_>,
        table: u32,
        index: impl FnOnce(&mut Code<'_>),
        zero: impl FnOnce(&mut Code<'_>),
        one: impl FnOnce(&mut Code<'_>),
    ) {
        let memory = self.copier.memory;
        let place = MemArg { align: 2, offset: u64::from(self.tables + table * 2) };
        let store = StoreKind::I32_16 { atomic: false };
        let (bits, step) = (number(CHANCE_BITS), number(MOVE_BITS));
        self.normalize(code);
        index(code);
        code.local_tee(self.index).load(memory, HALFWORD, place).local_tee(self.chance);
        code.local_get(self.range).const_(bits).binop(BinaryOp::I32ShrU);
        code.binop(BinaryOp::I32Mul).local_tee(self.bound);
        code.local_get(self.code).binop(BinaryOp::I32GtU).if_else(
            None,
            |then| {
                then.local_get(self.bound).local_set(self.range);
                then.local_get(self.index).local_get(self.chance);
                then.i32_const(1 << CHANCE_BITS).local_get(self.chance).binop(BinaryOp::I32Sub);
                then.const_(step).binop(BinaryOp::I32ShrU).binop(BinaryOp::I32Add);
                then.store(memory, store, place);
                zero(then);
            },
            |other| {
                for variable in [self.range, self.code] {
                    other.local_get(variable).local_get(self.bound).binop(BinaryOp::I32Sub);
                    other.local_set(variable);
                }
                other.local_get(self.index).local_get(self.chance).local_get(self.chance);
                other.const_(step).binop(BinaryOp::I32ShrU).binop(BinaryOp::I32Sub);
                other.store(memory, store, place);
                one(other);
            },
        );
    }

    /// A bit that has no probability, behind those of a number.
    pub(super) fn direct(&self, code: &mut Code<'_>, into: LocalId) {
        self.normalize(code);
        code.local_get(self.range).i32_const(1).binop(BinaryOp::I32ShrU).local_set(self.range);
        code.local_get(self.code).local_get(self.range).binop(BinaryOp::I32Sub);
        // -1 where it was less than the range, and the bit is zero.
        code.local_tee(self.code).i32_const(31).binop(BinaryOp::I32ShrS).local_set(self.bound);
        code.local_get(self.code).local_get(self.range).local_get(self.bound);
        code.binop(BinaryOp::I32And).binop(BinaryOp::I32Add).local_set(self.code);
        code.local_get(into).i32_const(1).binop(BinaryOp::I32Shl).i32_const(1);
        code.binop(BinaryOp::I32Add).local_get(self.bound).binop(BinaryOp::I32Add);
        code.local_set(into);
    }

    /// A range that has become small takes a byte.
    fn normalize(&self, code: &mut Code<'_>) {
        code.local_get(self.range).const_(number(TOP)).binop(BinaryOp::I32LtU).if_else(
            None,
            |then| {
                then.local_get(self.range).i32_const(8).binop(BinaryOp::I32Shl);
                then.local_set(self.range);
                self.shift(then);
            },
            |_| {},
        );
    }

    fn shift(&self, code: &mut Code<'_>) {
        let Copier { memory, from, .. } = *self.copier;
        code.local_get(self.code).i32_const(8).binop(BinaryOp::I32Shl);
        code.local_get(from).load(memory, BYTE, UNALIGNED);
        code.binop(BinaryOp::I32Or).local_set(self.code);
        code.local_get(from).i32_const(1).binop(BinaryOp::I32Add).local_set(from);
    }
}
