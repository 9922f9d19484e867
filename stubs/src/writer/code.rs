//! The body of a generated function, composed from the few instructions that such functions need.

use wasm_encoder::{Encode, HeapType, Instruction};

use super::{Fixup, Relocation, SymbolId};
use crate::val_type::ValType;

/// The body of a function. It has no local variables besides its parameters.
#[derive(Clone, Debug, Default)]
pub struct Code {
    bytes: Vec<u8>,
    fixups: Vec<Fixup>,
}

impl Code {
    /// Creates an empty body.
    #[must_use]
    pub fn new() -> Self {
        // A body starts with the number of local variable declarations.
        Self { bytes: vec![0], fixups: Vec::new() }
    }

    /// Pushes a constant.
    #[must_use]
    pub fn i32_const(self, value: i32) -> Self {
        self.then(&Instruction::I32Const(value))
    }

    /// Pushes a parameter.
    #[must_use]
    pub fn local_get(self, index: u32) -> Self {
        self.then(&Instruction::LocalGet(index))
    }

    /// Adds the two values on top of the stack.
    #[must_use]
    pub fn i32_add(self) -> Self {
        self.then(&Instruction::I32Add)
    }

    /// Drops the topmost value.
    #[must_use]
    pub fn drop(self) -> Self {
        self.then(&Instruction::Drop)
    }

    /// Traps.
    #[must_use]
    pub fn unreachable(self) -> Self {
        self.then(&Instruction::Unreachable)
    }

    /// Pushes a number as a value of any type. As in C, an integer that does not fit is truncated.
    /// For a reference type, pushes null.
    ///
    /// # Panics
    /// If the type is [`ValType::OtherRef`], which cannot be written.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "conversions as in C"
    )]
    pub fn constant(self, ty: ValType, value: i64) -> Self {
        self.then(&match ty {
            ValType::I32 => Instruction::I32Const(value as i32),
            ValType::I64 => Instruction::I64Const(value),
            ValType::F32 => Instruction::F32Const((value as f32).into()),
            ValType::F64 => Instruction::F64Const((value as f64).into()),
            ValType::V128 => Instruction::V128Const(i128::from(value)),
            ValType::FuncRef => Instruction::RefNull(HeapType::FUNC),
            ValType::ExternRef => Instruction::RefNull(HeapType::EXTERN),
            ValType::OtherRef => panic!("constants of unknown reference types cannot be encoded"),
        })
    }

    /// Pushes the address of a symbol.
    #[must_use]
    pub fn address(mut self, symbol: SymbolId) -> Self {
        self.bytes.push(0x41); // i32.const
        self.padded(Relocation::AddressInCode, symbol)
    }

    /// Calls a function.
    #[must_use]
    pub fn call(mut self, function: SymbolId) -> Self {
        self.bytes.push(0x10);
        self.padded(Relocation::Call, function)
    }

    /// Stores the i32 on top of the stack at the address below it.
    #[must_use]
    pub fn store(self) -> Self {
        self.store_at(0)
    }

    /// Like [`Code::store`], but adds `offset` to the address. The offset must be less than 128.
    #[must_use]
    pub(crate) fn store_at(mut self, offset: u8) -> Self {
        // i32.store, aligned to 2^2 bytes.
        self.bytes.extend([0x36, 2, offset & 0x7f]);
        self
    }

    /// Loads the i32 at the address on top of the stack.
    #[must_use]
    pub(crate) fn load(mut self) -> Self {
        // i32.load, aligned to 2^2 bytes, offset 0.
        self.bytes.extend([0x28, 2, 0]);
        self
    }

    fn then(mut self, instruction: &Instruction<'_>) -> Self {
        instruction.encode(&mut self.bytes);
        self
    }

    /// Appends a LEB128 number that is padded to five bytes, so that the linker can overwrite it in
    /// place.
    fn padded(mut self, kind: Relocation, symbol: SymbolId) -> Self {
        let offset = super::len(&self.bytes);
        self.bytes.extend([0x80, 0x80, 0x80, 0x80, 0x00]);
        self.fixups.push(Fixup { kind, offset, symbol, addend: 0 });
        self
    }

    /// Returns the bytes, including the final `end`.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        Instruction::End.encode(&mut bytes);
        bytes
    }

    pub(super) fn fixups(&self) -> &[Fixup] {
        &self.fixups
    }
}
