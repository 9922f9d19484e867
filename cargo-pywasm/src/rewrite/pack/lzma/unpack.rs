//! The decoder in WebAssembly: literals, matches, lengths and distances by the bits of [`Coder`].

use walrus::ir::{BinaryOp, StoreKind, UnaryOp};
use walrus::{LocalId, ModuleLocals, ValType};

use super::super::unpack::{BYTE, Copier, Places, UNALIGNED, number};
use super::LITERAL_CONTEXT_BITS;
use super::model::*;
use super::range::{Code, Coder};

/// The decoder and its variables.
pub(in super::super) struct Decoder<'c> {
    copier: &'c Copier,
    end_at: u32,
    coder: Coder<'c>,
    end: LocalId,
    state: LocalId,
    /// The last four distances.
    reps: [LocalId; 4],
    /// As large as `symbol` of a tree, or `weight`, gets.
    limit: LocalId,
    /// What the next bit of a reversed tree is worth.
    weight: LocalId,
    /// The byte that would have gone on with the last match, and its next bit.
    other: LocalId,
    expected: LocalId,
}

impl<'c> Decoder<'c> {
    pub(in super::super) fn new(
        copier: &'c Copier,
        at: &Places,
        locals: &mut ModuleLocals,
    ) -> Self {
        let coder = Coder::new(copier, at, locals);
        let mut local = || locals.add(ValType::I32);
        Self {
            copier,
            end_at: at.end,
            coder,
            end: local(),
            state: local(),
            reps: [local(), local(), local(), local()],
            limit: local(),
            weight: local(),
            other: local(),
            expected: local(),
        }
    }

    /// `Unpacked::read` knows it by its first four instructions.
    pub(in super::super) fn emit(&self, code: &mut Code<'_>) {
        code.const_(number(self.end_at)).local_set(self.end);
        code.i32_const(-1).local_set(self.coder.range);
        self.coder.start(code);
        for rep in self.reps {
            code.i32_const(1).local_set(rep);
        }
        code.block(None, |done| {
            let over = done.id();
            done.loop_(None, |packet| {
                let next = packet.id();
                packet.local_get(self.copier.to).local_get(self.end).binop(BinaryOp::I32GeU);
                packet.br_if(over);
                let literal = |code: &mut Code<'_>| {
                    self.literal(code);
                    code.br(next);
                };
                self.by_state(packet, IS_MATCH, literal, |_| {});
                packet.block(None, |known| self.matched(known));
                packet.local_get(self.reps[0]).local_set(self.copier.offset);
                self.copier.matched(packet);
                packet.br(next);
            });
        });
    }

    fn literal(&self, code: &mut Code<'_>) {
        let Copier { memory, to, .. } = *self.copier;
        let Coder { symbol, base, .. } = self.coder;
        code.local_get(to).i32_const(1).binop(BinaryOp::I32Sub).load(memory, BYTE, UNALIGNED);
        code.const_(number(8 - LITERAL_CONTEXT_BITS)).binop(BinaryOp::I32ShrU);
        code.const_(number(OF_LITERAL * 2)).binop(BinaryOp::I32Mul).local_set(base);
        code.i32_const(2).local_set(symbol);
        code.local_get(self.state).i32_const(7 * 2).binop(BinaryOp::I32GeU);
        code.if_else(None, |then| self.behind_match(then), |_| {});
        let limit = |code: &mut Code<'_>| {
            code.i32_const(0x100 * 2);
        };
        code.local_get(symbol);
        limit(code);
        code.binop(BinaryOp::I32LtU);
        code.if_else(None, |plain| self.coder.rest_of_tree(plain, LITERAL, limit), |_| {});
        code.local_get(to).local_get(symbol).i32_const(1).binop(BinaryOp::I32ShrU);
        code.store(memory, StoreKind::I32_8 { atomic: false }, UNALIGNED);
        code.local_get(to).i32_const(1).binop(BinaryOp::I32Add).local_set(to);
        // 0 to 3 become 0, the others 3 less, and from 10 on 6 less.
        code.local_get(self.state).i32_const(4 * 2).binop(BinaryOp::I32LtU).if_else(
            None,
            |then| {
                then.i32_const(0).local_set(self.state);
            },
            |other| {
                other.local_get(self.state).i32_const(3 * 2).i32_const(6 * 2);
                other.local_get(self.state).i32_const(10 * 2).binop(BinaryOp::I32LtU);
                other.select(Some(ValType::I32)).binop(BinaryOp::I32Sub).local_set(self.state);
            },
        );
    }

    /// The first bits of a literal behind a match, as long as they are those of the byte that would have
    /// gone on with it, and the first that is another.
    fn behind_match(&self, code: &mut Code<'_>) {
        let Copier { memory, to, .. } = *self.copier;
        let Coder { symbol, .. } = self.coder;
        code.local_get(to).local_get(self.reps[0]).binop(BinaryOp::I32Sub);
        code.load(memory, BYTE, UNALIGNED).i32_const(1).binop(BinaryOp::I32Shl);
        code.local_set(self.other);
        code.block(None, |block| {
            let plain = block.id();
            block.loop_(None, |each| {
                let again = each.id();
                // Its next bit is worth 0x200: of both tables, the second begins so far behind the first.
                each.local_get(self.other).i32_const(1).binop(BinaryOp::I32Shl);
                each.local_tee(self.other).i32_const(0x100 * 2).binop(BinaryOp::I32And);
                each.local_set(self.expected);
                let index = |code: &mut Code<'_>| {
                    self.coder.leaf(code);
                    code.local_get(self.expected).binop(BinaryOp::I32Add);
                };
                let zero = |code: &mut Code<'_>| {
                    self.coder.grow(code, false);
                    code.local_get(self.expected).br_if(plain);
                };
                let one = |code: &mut Code<'_>| {
                    self.coder.grow(code, true);
                    code.local_get(self.expected).unop(UnaryOp::I32Eqz).br_if(plain);
                };
                self.coder.bit(each, LITERAL + 0x100, index, zero, one);
                each.local_get(symbol).i32_const(0x100 * 2).binop(BinaryOp::I32LtU).br_if(again);
            });
        });
    }

    /// A match: `rest` is its length, the first of `reps` its distance. The block ends where it is known.
    fn matched(&self, code: &mut Code<'_>) {
        let known = code.id();
        let new = |code: &mut Code<'_>| {
            let [rep0, rep1, rep2, rep3] = self.reps;
            shift(code, &[(rep3, rep2), (rep2, rep1), (rep1, rep0)]);
            self.length(code, LENGTH);
            self.go_on(code, 7, 10);
            self.distance(code);
        };
        let again = |code: &mut Code<'_>| {
            let short = |code: &mut Code<'_>| {
                self.go_on(code, 9, 11);
                code.i32_const(1).local_set(self.copier.rest).br(known);
            };
            let last = |code: &mut Code<'_>| self.by_state(code, IS_REP0_LONG, short, |_| {});
            self.by_state(code, IS_REP_G0, last, |code| self.older(code));
            self.length(code, REP_LENGTH);
            self.go_on(code, 8, 11);
        };
        self.by_state(code, IS_REP, new, again);
    }

    /// The second, third or fourth of `reps` becomes the first.
    fn older(&self, code: &mut Code<'_>) {
        let [rep0, rep1, rep2, rep3] = self.reps;
        // Not in use before the copy.
        let chosen = self.copier.offset;
        let second = |code: &mut Code<'_>| shift(code, &[(chosen, rep1)]);
        let others = |code: &mut Code<'_>| {
            let third = |code: &mut Code<'_>| shift(code, &[(chosen, rep2)]);
            let fourth = |code: &mut Code<'_>| shift(code, &[(chosen, rep3), (rep3, rep2)]);
            self.by_state(code, IS_REP_G2, third, fourth);
            shift(code, &[(rep2, rep1)]);
        };
        self.by_state(code, IS_REP_G1, second, others);
        shift(code, &[(rep1, rep0), (rep0, chosen)]);
    }

    /// `rest` becomes a length.
    fn length(&self, code: &mut Code<'_>, table: u32) {
        let Coder { symbol, base, .. } = self.coder;
        let rest = self.copier.rest;
        let first = |code: &mut Code<'_>| {
            code.i32_const(0);
        };
        let part = |code: &mut Code<'_>, first: u32, limit: i32, least: i32| {
            code.const_(number(first * 2)).local_set(base);
            code.i32_const(limit * 2).local_set(self.limit);
            code.i32_const(least - limit).local_set(rest);
        };
        let long = |code: &mut Code<'_>| {
            let mid = |code: &mut Code<'_>| part(code, MID, 8, 10);
            let high = |code: &mut Code<'_>| part(code, HIGH, 256, 18);
            self.coder.bit(code, table + CHOICE_2, first, mid, high);
        };
        self.coder.bit(code, table + CHOICE, first, |code| part(code, LOW, 8, 2), long);
        self.coder.tree(code, table, |code| {
            code.local_get(self.limit);
        });
        code.local_get(symbol).i32_const(1).binop(BinaryOp::I32ShrU);
        code.local_get(rest).binop(BinaryOp::I32Add).local_set(rest);
    }

    /// The first of `reps` becomes a new distance, of a match of the length `rest`.
    fn distance(&self, code: &mut Code<'_>) {
        let (rest, rep0) = (self.copier.rest, self.reps[0]);
        let Coder { symbol, base, .. } = self.coder;
        // A tree of 64 for lengths of 2, 3, 4, and more.
        code.local_get(rest).i32_const(5).local_get(rest).i32_const(5).binop(BinaryOp::I32LtU);
        code.select(Some(ValType::I32)).i32_const(2).binop(BinaryOp::I32Sub);
        code.i32_const(64 * 2).binop(BinaryOp::I32Mul).local_set(base);
        self.coder.tree(code, POS_SLOT, |code| {
            code.i32_const(64 * 2);
        });
        code.local_get(symbol).i32_const(1).binop(BinaryOp::I32ShrU);
        code.i32_const(64).binop(BinaryOp::I32Sub).local_tee(rep0);
        code.i32_const(4).binop(BinaryOp::I32GeU);
        code.if_else(None, |far| self.far(far), |_| {});
        code.local_get(rep0).i32_const(1).binop(BinaryOp::I32Add).local_set(rep0);
    }

    /// The first of `reps` is a slot, and becomes a distance less one.
    fn far(&self, code: &mut Code<'_>) {
        let Coder { symbol: slot, base, .. } = self.coder;
        let distance = self.reps[0];
        code.local_get(distance).local_tee(slot).i32_const(1).binop(BinaryOp::I32ShrU);
        code.i32_const(1).binop(BinaryOp::I32Sub).local_set(self.limit);
        code.local_get(slot).i32_const(1).binop(BinaryOp::I32And);
        code.i32_const(2).binop(BinaryOp::I32Or).local_set(distance);
        code.local_get(slot).i32_const(14).binop(BinaryOp::I32LtU).if_else(
            None,
            |near| {
                near.local_get(distance).local_get(self.limit).binop(BinaryOp::I32Shl);
                near.local_tee(distance).local_get(slot).binop(BinaryOp::I32Sub);
                near.i32_const(1).binop(BinaryOp::I32Shl).local_set(base);
                near.i32_const(1).local_get(self.limit).binop(BinaryOp::I32Shl);
                near.local_set(self.limit);
            },
            |far| {
                far.loop_(None, |each| {
                    let again = each.id();
                    self.coder.direct(each, distance);
                    each.local_get(self.limit).i32_const(1).binop(BinaryOp::I32Sub);
                    each.local_tee(self.limit).i32_const(4).binop(BinaryOp::I32GtU).br_if(again);
                });
                far.local_get(distance).i32_const(4).binop(BinaryOp::I32Shl).local_set(distance);
                far.const_(number((ALIGN - POS_DECODERS) * 2)).local_set(base);
                far.i32_const(16).local_set(self.limit);
            },
        );
        self.reversed(code, distance);
    }

    /// Adds the bits of a tree at `base` to a number, the lowest first.
    fn reversed(&self, code: &mut Code<'_>, into: LocalId) {
        code.i32_const(2).local_set(self.coder.symbol);
        code.i32_const(1).local_set(self.weight);
        code.loop_(None, |each| {
            let again = each.id();
            let zero = |code: &mut Code<'_>| self.coder.grow(code, false);
            let one = |code: &mut Code<'_>| {
                self.coder.grow(code, true);
                code.local_get(into).local_get(self.weight).binop(BinaryOp::I32Add).local_set(into);
            };
            self.coder.bit(each, POS_DECODERS, |code| self.coder.leaf(code), zero, one);
            each.local_get(self.weight).i32_const(1).binop(BinaryOp::I32Shl);
            each.local_tee(self.weight).local_get(self.limit).binop(BinaryOp::I32LtU).br_if(again);
        });
    }

    /// The state behind a match: it depends on whether a literal was before it.
    fn go_on(&self, code: &mut Code<'_>, literal: i32, matched: i32) {
        code.i32_const(literal * 2).i32_const(matched * 2);
        code.local_get(self.state).i32_const(7 * 2).binop(BinaryOp::I32LtU);
        code.select(Some(ValType::I32)).local_set(self.state);
    }

    /// A bit whose probability depends on the state.
    fn by_state(
        &self,
        code: &mut Code<'_>,
        table: u32,
        zero: impl FnOnce(&mut Code<'_>),
        one: impl FnOnce(&mut Code<'_>),
    ) {
        self.coder.bit(
            code,
            table,
            |code| {
                code.local_get(self.state);
            },
            zero,
            one,
        );
    }
}

/// Each becomes the other, in this order.
fn shift(code: &mut Code<'_>, pairs: &[(LocalId, LocalId)]) {
    for (to, from) in pairs {
        code.local_get(*from).local_set(*to);
    }
}
