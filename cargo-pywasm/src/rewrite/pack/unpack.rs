//! The start function: it puts the packed bytes on the C stack, runs their decoder, clears what that used, and
//! goes on with the start function that was there.

use walrus::ir::{BinaryOp, ExtendedLoad, LoadKind, MemArg, Value};
use walrus::{
    DataId, FunctionBuilder, FunctionId, InstrSeqBuilder, LocalId, MemoryId, Module, ModuleLocals,
    ValType,
};

use super::Packing;

/// Where is what: addresses of memory.
pub(super) struct Places {
    /// The packed bytes, and behind them what else their decoder wants.
    pub(super) place: u32,
    /// How many packed bytes there are.
    pub(super) length: u32,
    /// Where their content goes.
    pub(super) target: u32,
    /// Behind the content.
    pub(super) end: u32,
}

/// The start function of a module whose data is packed.
pub(super) struct Unpacker {
    pub(super) memory: MemoryId,
    /// The passive segment.
    pub(super) blob: DataId,
    pub(super) packing: Packing,
    /// Bytes of the stack that it uses.
    pub(super) room: u32,
    pub(super) at: Places,
}

impl Unpacker {
    /// Adds it to a module; it calls the start function that was there.
    pub(super) fn function(&self, module: &mut Module) -> FunctionId {
        let before = module.start;
        let copier = Copier::new(self.memory, &mut module.locals);
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
        builder.name("pywasm_unpack".to_owned());
        let mut body = builder.func_body();
        let (place, length) = (number(self.at.place), number(self.at.length));
        body.const_(place).i32_const(0).const_(length).memory_init(self.memory, self.blob);
        body.data_drop(self.blob);
        body.const_(place).local_set(copier.from);
        body.const_(number(self.at.target)).local_set(copier.to);
        self.packing.decoder(&copier, &self.at, &mut module.locals, &mut body);
        // The stack is as it would have been.
        body.const_(place).i32_const(0).const_(number(self.room)).memory_fill(self.memory);
        if let Some(before) = before {
            body.call(before);
        }
        builder.finish(Vec::new(), &mut module.funcs)
    }
}

/// What decoders have in common: bytes are read and matches are copied.
pub(super) struct Copier {
    pub(super) memory: MemoryId,
    /// The next byte that is read.
    pub(super) from: LocalId,
    /// The next byte that is written.
    pub(super) to: LocalId,
    /// Bytes that are still to be copied.
    pub(super) rest: LocalId,
    /// How far back a match begins, then how much there is of it.
    pub(super) offset: LocalId,
    /// The first byte of a match.
    origin: LocalId,
    part: LocalId,
}

impl Copier {
    fn new(memory: MemoryId, locals: &mut ModuleLocals) -> Self {
        let mut local = || locals.add(ValType::I32);
        Self {
            memory,
            from: local(),
            to: local(),
            rest: local(),
            offset: local(),
            origin: local(),
            part: local(),
        }
    }

    /// Copies a match of `rest` bytes from `offset` bytes back; of these nothing is left.
    pub(super) fn matched(&self, code: &mut InstrSeqBuilder<'_>) {
        code.local_get(self.to).local_get(self.offset).binop(BinaryOp::I32Sub);
        code.local_set(self.origin);
        // A match may run into what it writes. Then what there is of it is written, which makes it
        // that much longer, until all is.
        code.loop_(None, |copy| {
            let again = copy.id();
            copy.local_get(self.offset).local_get(self.rest);
            copy.local_get(self.offset).local_get(self.rest).binop(BinaryOp::I32LtU);
            copy.select(Some(ValType::I32)).local_set(self.part);
            copy.local_get(self.to).local_get(self.origin).local_get(self.part);
            copy.memory_copy(self.memory, self.memory);
            advance(copy, self.to, self.part);
            advance(copy, self.offset, self.part);
            copy.local_get(self.rest).local_get(self.part).binop(BinaryOp::I32Sub);
            copy.local_tee(self.rest).br_if(again);
        });
    }

    pub(super) fn byte(&self, code: &mut InstrSeqBuilder<'_>, into: LocalId) {
        code.local_get(self.from).load(self.memory, BYTE, UNALIGNED).local_set(into);
        code.local_get(self.from).i32_const(1).binop(BinaryOp::I32Add).local_set(self.from);
    }
}

pub(super) const UNALIGNED: MemArg = MemArg { align: 1, offset: 0 };
pub(super) const BYTE: LoadKind = LoadKind::I32_8 { kind: ExtendedLoad::ZeroExtend };
pub(super) const HALFWORD: LoadKind = LoadKind::I32_16 { kind: ExtendedLoad::ZeroExtend };

pub(super) fn advance(code: &mut InstrSeqBuilder<'_>, variable: LocalId, by: LocalId) {
    code.local_get(variable).local_get(by).binop(BinaryOp::I32Add).local_set(variable);
}

pub(super) fn number(value: u32) -> Value {
    Value::I32(value.cast_signed())
}
