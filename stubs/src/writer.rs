//! A relocatable object, written without a compiler: functions and data that the linker places,
//! and the addresses in them that it fills in.
//!
//! Source of the format: `Linking.md` of
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>, version 2. Equal calls
//! give equal bytes.

use wasm_encoder::{
    CustomSection, EntityType, FunctionSection, ImportSection, MemoryType, Module, RawSection,
    RefType, TableType, TypeSection, ValType,
};

mod code;
mod encode;

pub use code::Code;

/// Section numbers of the core specification.
const CODE: u8 = 10;
const DATA: u8 = 11;
/// A symbol of the object that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SymbolId(u32);

/// Who sees a symbol, and whether another one may take its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Everybody; two are an error.
    Global,
    /// Everybody; another one goes before it.
    Weak,
    /// This object alone.
    Local,
}

/// How the linker writes an address or an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relocation {
    /// `R_WASM_FUNCTION_INDEX_LEB`.
    Call,
    /// `R_WASM_MEMORY_ADDR_SLEB`.
    AddressInCode,
    /// `R_WASM_MEMORY_ADDR_I32`.
    AddressInData,
    /// `R_WASM_TABLE_INDEX_I32`.
    FunctionInData,
}

/// A place that the linker fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fixup {
    kind: Relocation,
    /// From the start of the code or the data it stands in; in the end, of the section.
    offset: u32,
    symbol: SymbolId,
    addend: i32,
}

/// A variable, or any bytes that have an address.
#[derive(Clone, Debug, Default)]
pub struct Data {
    bytes: Vec<u8>,
    fixups: Vec<Fixup>,
}

struct Function {
    kind: u32,
    code: Code,
}

struct Imported {
    module: String,
    name: String,
    kind: u32,
}

struct Segment {
    name: String,
    /// As a power of two.
    alignment: u32,
    data: Data,
}

enum Symbol {
    Function { flags: u32, index: u32, name: Option<String> },
    Data { flags: u32, name: String, place: Option<(u32, u32)> },
}

/// The object.
#[derive(Default)]
pub struct Writer {
    types: Vec<(Vec<ValType>, Vec<ValType>)>,
    imports: Vec<Imported>,
    functions: Vec<Function>,
    segments: Vec<Segment>,
    symbols: Vec<Symbol>,
    /// Priorities and functions.
    starts: Vec<(u32, SymbolId)>,
}

const WEAK: u32 = 1;
const LOCAL: u32 = 2;
const HIDDEN: u32 = 4;
const UNDEFINED: u32 = 0x10;
const EXPLICIT_NAME: u32 = 0x40;

/// The module of what the linker is to find.
const LINKED: &str = "env";

/// Every function whose address is taken.
const FUNCTION_TABLE: TableType = TableType {
    element_type: RefType::FUNCREF,
    table64: false,
    minimum: 0,
    maximum: None,
    shared: false,
};

impl Binding {
    fn flags(self) -> u32 {
        match self {
            Self::Global => HIDDEN,
            Self::Weak => HIDDEN | WEAK,
            Self::Local => LOCAL,
        }
    }
}

impl Data {
    /// Adds bytes; where they begin.
    #[allow(clippy::cast_possible_truncation, reason = "a wasm object is smaller than 4 GiB")]
    pub fn push(&mut self, bytes: &[u8]) -> u32 {
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        offset
    }

    /// Adds the address of a symbol, `addend` bytes further.
    pub fn push_address(&mut self, symbol: SymbolId, addend: u32) {
        let offset = self.push(&[0; 4]);
        let addend = addend.cast_signed();
        self.fixups.push(Fixup { kind: Relocation::AddressInData, offset, symbol, addend });
    }

    /// Adds the address of a function, which in C a pointer to it holds.
    pub fn push_function(&mut self, symbol: SymbolId) {
        let offset = self.push(&[0; 4]);
        self.fixups.push(Fixup { kind: Relocation::FunctionInData, offset, symbol, addend: 0 });
    }
}

impl Writer {
    /// An object without anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A function that another object has. All of them have to be named before the first function
    /// of this object.
    pub fn undefined_function(
        &mut self,
        name: &str,
        params: &[ValType],
        results: &[ValType],
    ) -> SymbolId {
        let index = self.import(LINKED, name, params, results);
        self.symbol(Symbol::Function { flags: UNDEFINED, index, name: None })
    }

    /// A function of the host, which stays an import whatever is linked. As above, before the first
    /// function.
    pub fn imported_function(
        &mut self,
        module: &str,
        name: &str,
        params: &[ValType],
        results: &[ValType],
    ) -> SymbolId {
        let index = self.import(module, name, params, results);
        let symbol = Some(format!("__pywasm_{module}_{name}"));
        self.symbol(Symbol::Function { flags: UNDEFINED | EXPLICIT_NAME, index, name: symbol })
    }

    fn import(&mut self, module: &str, name: &str, params: &[ValType], results: &[ValType]) -> u32 {
        debug_assert!(self.functions.is_empty(), "imports are numbered before functions");
        let kind = self.kind(params, results);
        let (module, name) = (module.to_owned(), name.to_owned());
        self.imports.push(Imported { module, name, kind });
        len(&self.imports) - 1
    }

    /// A variable that another object has.
    pub fn undefined_data(&mut self, name: &str) -> SymbolId {
        self.symbol(Symbol::Data { flags: UNDEFINED, name: name.to_owned(), place: None })
    }

    /// A function of this object.
    pub fn function(
        &mut self,
        name: &str,
        binding: Binding,
        params: &[ValType],
        results: &[ValType],
        code: Code,
    ) -> SymbolId {
        let kind = self.kind(params, results);
        let index = len(&self.imports) + len(&self.functions);
        self.functions.push(Function { kind, code });
        let (flags, name) = (binding.flags(), Some(name.to_owned()));
        self.symbol(Symbol::Function { flags, index, name })
    }

    /// Data of this object. `alignment` is in bytes, a power of two.
    pub fn data(&mut self, name: &str, binding: Binding, alignment: u32, data: Data) -> SymbolId {
        let place = Some((len(&self.segments), len(&data.bytes)));
        let segment = format!(".data.{name}");
        self.segments.push(Segment { name: segment, alignment: alignment.ilog2(), data });
        self.symbol(Symbol::Data { flags: binding.flags(), name: name.to_owned(), place })
    }

    /// Has a function without parameters called before `main`, and before the exports of a
    /// reactor: lower priorities first, those of C's constructors being 65535.
    pub fn call_at_start(&mut self, function: SymbolId, priority: u32) {
        self.starts.push((priority, function));
    }

    /// The object's bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        for (params, results) in &self.types {
            types.ty().function(params.iter().copied(), results.iter().copied());
        }
        let mut imports = ImportSection::new();
        let memory = MemoryType {
            minimum: 0,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        imports.import(LINKED, "__linear_memory", memory);
        if self.takes_addresses_of_functions() {
            // Without a symbol for it, linkers know the table of functions by this import.
            imports.import(LINKED, "__indirect_function_table", FUNCTION_TABLE);
        }
        for Imported { module, name, kind } in &self.imports {
            imports.import(module, name, EntityType::Function(*kind));
        }
        let mut functions = FunctionSection::new();
        for function in &self.functions {
            functions.function(function.kind);
        }
        module.section(&types).section(&imports);
        let mut sections = 2;
        let mut relocations = Vec::new();
        if !self.functions.is_empty() {
            let (code, fixups) = self.code_section();
            module.section(&functions).section(&RawSection { id: CODE, data: &code });
            relocations.push(("reloc.CODE", sections + 1, fixups));
            sections += 2;
        }
        if !self.segments.is_empty() {
            let (data, fixups) = self.data_section();
            module.section(&RawSection { id: DATA, data: &data });
            relocations.push(("reloc.DATA", sections, fixups));
        }
        let linking = self.linking_section();
        module.section(&CustomSection { name: "linking".into(), data: (&linking).into() });
        for (name, target, fixups) in relocations {
            if !fixups.is_empty() {
                let data = encode::relocation_section(target, &fixups);
                module.section(&CustomSection { name: name.into(), data: (&data).into() });
            }
        }
        module.finish()
    }

    fn takes_addresses_of_functions(&self) -> bool {
        let fixups = self.segments.iter().flat_map(|segment| &segment.data.fixups);
        fixups.into_iter().any(|fixup| fixup.kind == Relocation::FunctionInData)
    }

    fn kind(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let wanted = (params.to_vec(), results.to_vec());
        let found = self.types.iter().position(|kind| *kind == wanted).unwrap_or_else(|| {
            self.types.push(wanted);
            self.types.len() - 1
        });
        u32::try_from(found).unwrap_or(u32::MAX)
    }

    fn symbol(&mut self, symbol: Symbol) -> SymbolId {
        self.symbols.push(symbol);
        SymbolId(len(&self.symbols) - 1)
    }
}

/// A length as wasm has it.
fn len<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("a wasm object is smaller than 4 GiB")
}

#[cfg(test)]
mod tests;
