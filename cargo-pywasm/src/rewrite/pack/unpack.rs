//! The function that unpacks: a decoder of LZ4 blocks in some sixty instructions.

use walrus::ir::{BinaryOp, ExtendedLoad, LoadKind, MemArg, Value};
use walrus::{
    DataId, FunctionBuilder, FunctionId, InstrSeqBuilder, LocalId, MemoryId, Module, ValType,
};

/// Where is what.
pub(super) struct Unpacker {
    pub(super) memory: MemoryId,
    /// The passive segment.
    pub(super) blob: DataId,
    /// The address where it is read from.
    pub(super) place: u32,
    /// Its length.
    pub(super) length: u32,
    /// The address where its content goes.
    pub(super) target: u32,
}

/// The variables of the decoder.
struct Locals {
    /// The next byte that is read.
    from: LocalId,
    /// The next byte that is written.
    to: LocalId,
    token: LocalId,
    /// Bytes that are still to be copied.
    rest: LocalId,
    /// How far back a match begins, then how much there is of it.
    offset: LocalId,
    /// The first byte of a match.
    origin: LocalId,
    byte: LocalId,
    part: LocalId,
}

impl Unpacker {
    /// Adds it to a module; it calls the start function that was there.
    pub(super) fn function(&self, module: &mut Module) -> FunctionId {
        let before = module.start;
        let mut local = || module.locals.add(ValType::I32);
        let locals = Locals {
            from: local(),
            to: local(),
            token: local(),
            rest: local(),
            offset: local(),
            origin: local(),
            byte: local(),
            part: local(),
        };
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
        builder.name("pywasm_unpack".to_owned());
        let mut body = builder.func_body();
        let (place, length) = (number(self.place), number(self.length));
        body.const_(place).i32_const(0).const_(length).memory_init(self.memory, self.blob);
        body.data_drop(self.blob);
        body.const_(place).local_set(locals.from);
        body.const_(number(self.target)).local_set(locals.to);
        body.block(None, |done| {
            let end = done.id();
            done.loop_(None, |sequence| {
                let next = sequence.id();
                self.literals(sequence, &locals);
                // The last sequence has literals only.
                let limit = number(self.place + self.length);
                sequence.local_get(locals.from).const_(limit).binop(BinaryOp::I32GeU).br_if(end);
                self.matched(sequence, &locals);
                sequence.br(next);
            });
        });
        // The stack is as it would have been.
        body.const_(place).i32_const(0).const_(length).memory_fill(self.memory);
        if let Some(before) = before {
            body.call(before);
        }
        builder.finish(Vec::new(), &mut module.funcs)
    }

    fn literals(&self, code: &mut InstrSeqBuilder<'_>, locals: &Locals) {
        self.byte(code, locals, locals.token);
        code.local_get(locals.token).i32_const(4).binop(BinaryOp::I32ShrU).local_set(locals.rest);
        self.more(code, locals);
        // Every other sequence has none.
        code.local_get(locals.rest).if_else(
            None,
            |copy| {
                copy.local_get(locals.to).local_get(locals.from).local_get(locals.rest);
                copy.memory_copy(self.memory, self.memory);
                advance(copy, locals.to, locals.rest);
                advance(copy, locals.from, locals.rest);
            },
            |_| {},
        );
    }

    fn matched(&self, code: &mut InstrSeqBuilder<'_>, locals: &Locals) {
        let halfword = LoadKind::I32_16 { kind: ExtendedLoad::ZeroExtend };
        code.local_get(locals.from).load(self.memory, halfword, UNALIGNED);
        code.local_set(locals.offset);
        code.local_get(locals.from).i32_const(2).binop(BinaryOp::I32Add).local_set(locals.from);
        code.local_get(locals.token).i32_const(15).binop(BinaryOp::I32And).local_set(locals.rest);
        self.more(code, locals);
        code.local_get(locals.rest).i32_const(4).binop(BinaryOp::I32Add).local_set(locals.rest);
        code.local_get(locals.to).local_get(locals.offset).binop(BinaryOp::I32Sub);
        code.local_set(locals.origin);
        // A match may run into what it writes. Then what there is of it is written, which makes it
        // that much longer, until all is.
        code.loop_(None, |copy| {
            let again = copy.id();
            copy.local_get(locals.offset).local_get(locals.rest);
            copy.local_get(locals.offset).local_get(locals.rest).binop(BinaryOp::I32LtU);
            copy.select(Some(ValType::I32)).local_set(locals.part);
            copy.local_get(locals.to).local_get(locals.origin).local_get(locals.part);
            copy.memory_copy(self.memory, self.memory);
            advance(copy, locals.to, locals.part);
            advance(copy, locals.offset, locals.part);
            copy.local_get(locals.rest).local_get(locals.part).binop(BinaryOp::I32Sub);
            copy.local_tee(locals.rest).br_if(again);
        });
    }

    /// A length of 15 goes on in bytes: as long as they are 255.
    fn more(&self, code: &mut InstrSeqBuilder<'_>, locals: &Locals) {
        code.local_get(locals.rest).i32_const(15).binop(BinaryOp::I32Eq);
        code.if_else(
            None,
            |then| {
                then.loop_(None, |add| {
                    let again = add.id();
                    self.byte(add, locals, locals.byte);
                    advance(add, locals.rest, locals.byte);
                    add.local_get(locals.byte).i32_const(255).binop(BinaryOp::I32Eq).br_if(again);
                });
            },
            |_| {},
        );
    }

    fn byte(&self, code: &mut InstrSeqBuilder<'_>, locals: &Locals, into: LocalId) {
        let byte = LoadKind::I32_8 { kind: ExtendedLoad::ZeroExtend };
        code.local_get(locals.from).load(self.memory, byte, UNALIGNED).local_set(into);
        code.local_get(locals.from).i32_const(1).binop(BinaryOp::I32Add).local_set(locals.from);
    }
}

const UNALIGNED: MemArg = MemArg { align: 1, offset: 0 };

fn advance(code: &mut InstrSeqBuilder<'_>, variable: LocalId, by: LocalId) {
    code.local_get(variable).local_get(by).binop(BinaryOp::I32Add).local_set(variable);
}

fn number(value: u32) -> Value {
    Value::I32(value.cast_signed())
}
