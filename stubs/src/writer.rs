//! Writes relocatable object files without a compiler. The linker places their functions and data,
//! and fills in addresses according to the relocations.
//!
//! The format is version 2 of the linking section, defined by
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>. The same calls produce
//! the same bytes.

use wasm_encoder::{
    CustomSection, EntityType, FunctionSection, ImportSection, MemoryType, Module, RawSection,
    RefType, TableType, TypeSection,
};

use crate::signature::Signature;
use crate::val_type::ValType;

mod code;
mod data;
mod encode;

pub use code::Code;
pub use data::Data;

/// Section numbers from the core specification.
const CODE: u8 = 10;
const DATA: u8 = 11;

/// A symbol in the object being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SymbolId(u32);

/// A symbol's visibility to other objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Visible to every object; a second definition is an error.
    Global,
    /// Visible to every object; a global definition takes precedence.
    Weak,
    /// Visible within this object only.
    Local,
}

/// The encoding in which the linker writes an address or an index.
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

/// A relocation, which makes the linker fill in some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fixup {
    kind: Relocation,
    /// The offset of the bytes to fill in. It is counted from the start of the function body or
    /// data, until the section is written. Then it is counted from the start of the section.
    offset: u32,
    symbol: SymbolId,
    addend: i32,
}

struct Function {
    /// An index into the types.
    ty: u32,
    code: Code,
}

struct Imported {
    module: String,
    name: String,
    /// An index into the types.
    ty: u32,
}

struct Segment {
    name: String,
    /// The base-2 logarithm of the alignment in bytes.
    alignment: u32,
    data: Data,
}

enum Symbol {
    Function {
        flags: u32,
        index: u32,
        name: Option<String>,
    },
    Data {
        flags: u32,
        name: String,
        /// The data segment and the size, if the object defines the variable.
        definition: Option<(u32, u32)>,
    },
}

/// A relocatable object being written.
#[derive(Default)]
pub struct Writer {
    types: Vec<Signature>,
    imports: Vec<Imported>,
    functions: Vec<Function>,
    segments: Vec<Segment>,
    symbols: Vec<Symbol>,
    /// The constructors, each with its priority and its function.
    constructors: Vec<(u32, SymbolId)>,
}

/// Symbol flags in the linking section.
const WEAK: u32 = 1;
const LOCAL: u32 = 2;
const HIDDEN: u32 = 4;
const UNDEFINED: u32 = 0x10;
const EXPLICIT_NAME: u32 = 0x40;

/// The import module of symbols that other objects define.
const LINKED: &str = "env";

/// The wasm table that contains the functions whose addresses are taken.
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

impl Writer {
    /// Creates an empty object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a function that another object defines. All such functions must be declared before
    /// the first call of [`Writer::function`], because imports are numbered first.
    ///
    /// # Panics
    /// If a type is [`ValType::OtherRef`], which cannot be written.
    pub fn undefined_function(
        &mut self,
        name: &str,
        params: &[ValType],
        results: &[ValType],
    ) -> SymbolId {
        let index = self.import(LINKED, name, params, results);
        self.symbol(Symbol::Function { flags: UNDEFINED, index, name: None })
    }

    /// Declares a host function, which remains an import after linking. The restrictions of
    /// [`Writer::undefined_function`] on order and types also apply here.
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
        debug_assert!(self.functions.is_empty(), "an import was added after a function");
        let ty = self.type_index(params, results);
        let (module, name) = (module.to_owned(), name.to_owned());
        self.imports.push(Imported { module, name, ty });
        len(&self.imports) - 1
    }

    /// Declares a variable that another object defines.
    pub fn undefined_data(&mut self, name: &str) -> SymbolId {
        self.symbol(Symbol::Data { flags: UNDEFINED, name: name.to_owned(), definition: None })
    }

    /// Defines a function.
    ///
    /// # Panics
    /// If a type is [`ValType::OtherRef`], which cannot be written.
    pub fn function(
        &mut self,
        name: &str,
        binding: Binding,
        params: &[ValType],
        results: &[ValType],
        code: Code,
    ) -> SymbolId {
        let ty = self.type_index(params, results);
        let index = len(&self.imports) + len(&self.functions);
        self.functions.push(Function { ty, code });
        let (flags, name) = (binding.flags(), Some(name.to_owned()));
        self.symbol(Symbol::Function { flags, index, name })
    }

    /// Defines data. `alignment` is in bytes, and must be a power of two.
    pub fn data(&mut self, name: &str, binding: Binding, alignment: u32, data: Data) -> SymbolId {
        let definition = Some((len(&self.segments), len(&data.bytes)));
        let segment = format!(".data.{name}");
        self.segments.push(Segment { name: segment, alignment: alignment.ilog2(), data });
        self.symbol(Symbol::Data { flags: binding.flags(), name: name.to_owned(), definition })
    }

    /// Registers a function without parameters as a constructor, which runs before `main` or before
    /// the exports of a reactor. Constructors with lower priorities run first. The default priority
    /// in C is 65535.
    pub fn constructor(&mut self, function: SymbolId, priority: u32) {
        self.constructors.push((priority, function));
    }

    /// Returns the bytes of the object.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        for Signature { params, results } in &self.types {
            types.ty().function(encodable(params), encodable(results));
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
            // The wasm table has no symbol. Linkers recognize it by this import's name.
            imports.import(LINKED, "__indirect_function_table", FUNCTION_TABLE);
        }
        for Imported { module, name, ty } in &self.imports {
            imports.import(module, name, EntityType::Function(*ty));
        }
        let mut functions = FunctionSection::new();
        for function in &self.functions {
            functions.function(function.ty);
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

    fn type_index(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let ty = Signature::new(params, results);
        let index = self.types.iter().position(|known| *known == ty).unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn symbol(&mut self, symbol: Symbol) -> SymbolId {
        self.symbols.push(symbol);
        SymbolId(len(&self.symbols) - 1)
    }
}

fn encodable(types: &[ValType]) -> Vec<wasm_encoder::ValType> {
    let types = types.iter().map(|ty| ty.encodable());
    types.collect::<Option<_>>().expect("every type can be encoded")
}

/// Returns a length as the `u32` that wasm stores.
fn len<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("a wasm object should be smaller than 4 GiB")
}

#[cfg(test)]
mod tests;
