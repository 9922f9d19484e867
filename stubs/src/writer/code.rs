//! The few instructions that written functions are made of.

use wasm_encoder::{Encode, Instruction};

use super::{Fixup, Relocation, SymbolId};

/// The body of a function.
#[derive(Clone, Debug, Default)]
pub struct Code {
    bytes: Vec<u8>,
    fixups: Vec<Fixup>,
}

impl Code {
    /// A body that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        // No local variables.
        Self { bytes: vec![0], fixups: Vec::new() }
    }

    /// An instruction that names nothing of the object.
    #[must_use]
    pub fn then(mut self, instruction: &Instruction<'_>) -> Self {
        instruction.encode(&mut self.bytes);
        self
    }

    /// The address of a symbol.
    #[must_use]
    pub fn address(mut self, symbol: SymbolId) -> Self {
        self.bytes.push(0x41); // i32.const
        self.padded(Relocation::AddressInCode, symbol)
    }

    /// A call.
    #[must_use]
    pub fn call(mut self, function: SymbolId) -> Self {
        self.bytes.push(0x10);
        self.padded(Relocation::Call, function)
    }

    /// Stores a word: address and value are on the stack.
    #[must_use]
    pub fn store(self) -> Self {
        self.store_at(0)
    }

    /// Stores a word so many bytes, below 128, behind the address on the stack.
    #[must_use]
    pub(crate) fn store_at(mut self, offset: u8) -> Self {
        // i32.store, aligned to 2^2 bytes.
        self.bytes.extend([0x36, 2, offset & 0x7f]);
        self
    }

    /// Loads the word at the address on the stack.
    #[must_use]
    pub(crate) fn load(mut self) -> Self {
        // i32.load, aligned to 2^2 bytes, without an offset.
        self.bytes.extend([0x28, 2, 0]);
        self
    }

    /// A number of five bytes, which the linker overwrites in place.
    fn padded(mut self, kind: Relocation, symbol: SymbolId) -> Self {
        let offset = super::len(&self.bytes);
        self.bytes.extend([0x80, 0x80, 0x80, 0x80, 0x00]);
        self.fixups.push(Fixup { kind, offset, symbol, addend: 0 });
        self
    }

    /// The bytes, with the end.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        Instruction::End.encode(&mut bytes);
        bytes
    }

    pub(super) fn fixups(&self) -> &[Fixup] {
        &self.fixups
    }
}
