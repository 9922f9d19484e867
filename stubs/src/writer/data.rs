//! The content of variables.

use super::{Fixup, Relocation, SymbolId};

/// The content of a variable, or any other bytes that have an address.
#[derive(Clone, Debug, Default)]
pub struct Data {
    pub(super) bytes: Vec<u8>,
    pub(super) fixups: Vec<Fixup>,
}

impl Data {
    /// Appends bytes and returns their offset.
    #[allow(clippy::cast_possible_truncation, reason = "a wasm object is smaller than 4 GiB")]
    pub fn push(&mut self, bytes: &[u8]) -> u32 {
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        offset
    }

    /// Appends the address of a symbol plus `addend` bytes.
    pub fn push_address(&mut self, symbol: SymbolId, addend: u32) {
        let offset = self.push(&[0; 4]);
        let addend = addend.cast_signed();
        self.fixups.push(Fixup { kind: Relocation::AddressInData, offset, symbol, addend });
    }

    /// Appends a C function pointer: the function's index in the indirect function table.
    pub fn push_function(&mut self, symbol: SymbolId) {
        let offset = self.push(&[0; 4]);
        self.fixups.push(Fixup { kind: Relocation::FunctionInData, offset, symbol, addend: 0 });
    }
}
