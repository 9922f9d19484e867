//! The sections of an object that wasm-encoder does not write: code and data with relocations, and
//! the linking section.

use wasm_encoder::{ConstExpr, Encode};

use super::{Fixup, Function, Relocation, Segment, Symbol, SymbolId, Writer, len};

/// Subsection numbers in the linking section.
const SEGMENT_INFO: u8 = 5;
const INIT_FUNCS: u8 = 6;
const SYMBOL_TABLE: u8 = 8;

impl Writer {
    /// Returns the content of the code section, and its fixups, whose offsets are relative to the
    /// start of the section.
    pub(super) fn code_section(&self) -> (Vec<u8>, Vec<Fixup>) {
        let (mut bytes, mut fixups) = (Vec::new(), Vec::new());
        len(&self.functions).encode(&mut bytes);
        for Function { code, .. } in &self.functions {
            let body = code.body();
            len(&body).encode(&mut bytes);
            fixups.extend(shifted(code.fixups(), len(&bytes)));
            bytes.extend(body);
        }
        (bytes, fixups)
    }

    /// Like [`Writer::code_section`], but for the data section. Segments are laid out one after
    /// another, as in compiled objects.
    pub(super) fn data_section(&self) -> (Vec<u8>, Vec<Fixup>) {
        let (mut bytes, mut fixups, mut address) = (Vec::new(), Vec::new(), 0_u32);
        len(&self.segments).encode(&mut bytes);
        for Segment { alignment, data, .. } in &self.segments {
            address = address.next_multiple_of(1 << alignment);
            // An active segment of memory 0 at this address.
            bytes.push(0);
            ConstExpr::i32_const(address.cast_signed()).encode(&mut bytes);
            len(&data.bytes).encode(&mut bytes);
            fixups.extend(shifted(&data.fixups, len(&bytes)));
            bytes.extend(&data.bytes);
            address += len(&data.bytes);
        }
        (bytes, fixups)
    }

    pub(super) fn linking_section(&self) -> Vec<u8> {
        let mut bytes = vec![2];
        let mut subsection = |id: u8, count: u32, entries: Vec<u8>| {
            if count > 0 {
                let mut body = Vec::new();
                count.encode(&mut body);
                body.extend(entries);
                bytes.push(id);
                body.encode(&mut bytes);
            }
        };
        // Constructors refer to symbols, so the symbol table comes first.
        let mut entries = Vec::new();
        for symbol in &self.symbols {
            symbol.encode(&mut entries);
        }
        subsection(SYMBOL_TABLE, len(&self.symbols), std::mem::take(&mut entries));
        for Segment { name, alignment, .. } in &self.segments {
            name.as_str().encode(&mut entries);
            alignment.encode(&mut entries);
            0_u32.encode(&mut entries);
        }
        subsection(SEGMENT_INFO, len(&self.segments), std::mem::take(&mut entries));
        for (priority, SymbolId(function)) in &self.constructors {
            priority.encode(&mut entries);
            function.encode(&mut entries);
        }
        subsection(INIT_FUNCS, len(&self.constructors), entries);
        bytes
    }
}

impl Encode for Symbol {
    fn encode(&self, sink: &mut Vec<u8>) {
        match self {
            Self::Function { flags, index, name } => {
                sink.push(0);
                flags.encode(sink);
                index.encode(sink);
                if let Some(name) = name {
                    name.as_str().encode(sink);
                }
            }
            Self::Data { flags, name, definition } => {
                sink.push(1);
                flags.encode(sink);
                name.as_str().encode(sink);
                if let Some((segment, size)) = definition {
                    segment.encode(sink);
                    0_u32.encode(sink);
                    size.encode(sink);
                }
            }
        }
    }
}

pub(super) fn relocation_section(target: u32, fixups: &[Fixup]) -> Vec<u8> {
    let mut bytes = Vec::new();
    target.encode(&mut bytes);
    len(fixups).encode(&mut bytes);
    for Fixup { kind, offset, symbol, addend } in fixups {
        bytes.push(match kind {
            Relocation::Call => 0,
            Relocation::AddressInCode => 4,
            Relocation::AddressInData => 5,
            Relocation::FunctionInData => 2,
        });
        offset.encode(&mut bytes);
        symbol.0.encode(&mut bytes);
        if !matches!(kind, Relocation::Call | Relocation::FunctionInData) {
            addend.encode(&mut bytes);
        }
    }
    bytes
}

fn shifted(fixups: &[Fixup], by: u32) -> impl Iterator<Item = Fixup> + '_ {
    fixups.iter().map(move |fixup| Fixup { offset: fixup.offset + by, ..*fixup })
}
