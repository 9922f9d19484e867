//! Reads the imports, exports, functions, names and sizes of a module in one pass over its
//! sections. Function bodies are located but not decoded.

use std::ops::Range;

use anyhow::Context;
use pywasm_stubs::Signature;
use wasmparser::{
    BinaryReader, DataKind, ElementItems, ElementKind, Encoding, ExternalKind, FunctionBody,
    KnownCustom, Name, NameSectionReader, Operator, Parser, Payload, TypeRef, ValType,
};

/// The maximum accepted number of types, imports, functions or exports. No engine accepts more, and
/// without this limit, a small file could make the reader allocate a lot of memory.
///
/// Source: "Limits" in the WebAssembly JavaScript interface.
const MAX_COUNT: u32 = 1_000_000;

/// A module, read from its bytes.
#[derive(Debug, Default)]
pub struct Module<'a> {
    /// The bytes of the module, uncompressed.
    pub bytes: &'a [u8],
    /// The imports, in file order.
    pub imports: Vec<Import<'a>>,
    /// The exports, in file order.
    pub exports: Vec<Export<'a>>,
    /// The type index of each function, imported functions first.
    pub functions: Vec<u32>,
    /// The number of imported functions.
    pub imported_functions: u32,
    /// The byte range of each defined function's body.
    pub bodies: Vec<Range<u32>>,
    /// The byte offset of each type. Types are decoded on demand, because only a few are needed.
    types: Vec<u32>,
    /// The functions in active and passive element segments.
    pub in_tables: Vec<u32>,
    /// The index of the start function.
    pub start: Option<u32>,
    /// The byte range of each custom section's content, which starts with the name of the section.
    custom: Vec<Range<u32>>,
    /// The length of each data segment in bytes.
    pub segments: Vec<u32>,
    /// The indices of the active data segments whose offset is not a single constant.
    pub computed_segments: Vec<u32>,
    /// True if a memory has 64-bit addresses.
    pub has_64_bit_memory: bool,
    /// Sizes and counts.
    pub sizes: Sizes,
    /// The types of all globals, without duplicates.
    pub global_types: Vec<ValType>,
    names: Option<&'a [u8]>,
    names_offset: usize,
}

/// Sizes and counts of a module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// The size of the code section in bytes.
    pub code: usize,
    /// The size of the data section in bytes.
    pub data: usize,
    /// The number of globals, including imported ones.
    pub globals: usize,
    /// The number of wasm tables, including imported ones.
    pub tables: usize,
    /// The number of memories, including imported ones.
    pub memories: usize,
    /// The initial size of the largest memory, in pages.
    pub pages: u64,
}

/// An import.
#[derive(Clone, Debug)]
pub struct Import<'a> {
    /// The name of the module that the item is imported from.
    pub module: &'a str,
    /// The name of the item in that module.
    pub name: &'a str,
    /// The kind of item.
    pub kind: Extern,
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export<'a> {
    /// The name of the export.
    pub name: &'a str,
    /// The kind of item.
    pub kind: Extern,
}

/// The kind of an imported or exported item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extern {
    /// The function with this index.
    Function(u32),
    /// A table.
    Table,
    /// A memory.
    Memory,
    /// A global.
    Global,
    /// An exception tag.
    Tag,
}

impl Extern {
    /// Returns the name that messages and policies use for the kind.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Function(_) => "function",
            Self::Table => "table",
            Self::Memory => "memory",
            Self::Global => "global",
            Self::Tag => "tag",
        }
    }
}

impl<'a> Module<'a> {
    /// Reads a module.
    ///
    /// # Errors
    /// When the module is malformed, or the bytes are a component.
    pub fn read(bytes: &'a [u8]) -> anyhow::Result<Self> {
        let mut module = Self { bytes, ..Self::default() };
        for payload in Parser::new(0).parse_all(bytes) {
            module.payload(payload?)?;
        }
        Ok(module)
    }

    fn payload(&mut self, payload: Payload<'a>) -> anyhow::Result<()> {
        match payload {
            Payload::Version { encoding, .. } => {
                anyhow::ensure!(encoding == Encoding::Module, "this is a component, not a module");
            }
            Payload::TypeSection(section) => {
                at_most(section.count(), "types")?;
                for group in section {
                    for (offset, _) in group?.into_types_and_offsets() {
                        self.types.push(u32::try_from(offset)?);
                    }
                }
            }
            Payload::ImportSection(section) => {
                at_most(section.count(), "imports")?;
                for import in section.into_imports() {
                    let import = import?;
                    let kind = self.extern_of(import.ty);
                    self.imports.push(Import { module: import.module, name: import.name, kind });
                }
                self.imported_functions = u32::try_from(self.functions.len())?;
            }
            Payload::FunctionSection(section) => {
                at_most(section.count(), "functions")?;
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(section) => self.sizes.tables += section.count() as usize,
            Payload::MemorySection(section) => {
                for memory in section {
                    self.extern_of(TypeRef::Memory(memory?));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    self.extern_of(TypeRef::Global(global?.ty));
                }
            }
            Payload::ExportSection(section) => {
                at_most(section.count(), "exports")?;
                for export in section {
                    let export = export?;
                    let kind = match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact => {
                            Extern::Function(export.index)
                        }
                        ExternalKind::Table => Extern::Table,
                        ExternalKind::Memory => Extern::Memory,
                        ExternalKind::Global => Extern::Global,
                        ExternalKind::Tag => Extern::Tag,
                    };
                    self.exports.push(Export { name: export.name, kind });
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element?;
                    if let ElementItems::Functions(functions) = element.items
                        && !matches!(element.kind, ElementKind::Declared)
                    {
                        for function in functions {
                            self.in_tables.push(function?);
                        }
                    }
                }
            }
            Payload::CodeSectionStart { size, .. } => self.sizes.code = size as usize,
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                self.bodies.push(u32::try_from(range.start)?..u32::try_from(range.end)?);
            }
            Payload::DataSection(section) => {
                let range = section.range();
                self.sizes.data = range.len();
                for (number, segment) in (0..).zip(section) {
                    let segment = segment?;
                    self.segments.push(u32::try_from(segment.data.len())?);
                    if let DataKind::Active { offset_expr, .. } = segment.kind {
                        let mut offset = offset_expr.get_operators_reader();
                        let is_constant = matches!(
                            offset.read()?,
                            Operator::I32Const { .. } | Operator::I64Const { .. }
                        ) && matches!(offset.read()?, Operator::End);
                        if !is_constant {
                            self.computed_segments.push(number);
                        }
                    }
                }
            }
            Payload::CustomSection(section) => {
                let range = section.range();
                self.custom.push(u32::try_from(range.start)?..u32::try_from(range.end)?);
                if section.name() == "name" {
                    self.names = Some(section.data());
                    self.names_offset = section.data_offset();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn extern_of(&mut self, ty: TypeRef) -> Extern {
        match ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.functions.push(ty);
                Extern::Function(u32::try_from(self.functions.len() - 1).unwrap_or(u32::MAX))
            }
            TypeRef::Table(_) => {
                self.sizes.tables += 1;
                Extern::Table
            }
            TypeRef::Memory(memory) => {
                self.has_64_bit_memory |= memory.memory64;
                self.sizes.memories += 1;
                self.sizes.pages = self.sizes.pages.max(memory.initial);
                Extern::Memory
            }
            TypeRef::Global(global) => {
                self.sizes.globals += 1;
                if !self.global_types.contains(&global.content_type) {
                    self.global_types.push(global.content_type);
                }
                Extern::Global
            }
            TypeRef::Tag(_) => Extern::Tag,
        }
    }

    /// Returns the name and the content size of each custom section.
    pub fn custom(&self) -> impl Iterator<Item = (&'a str, usize)> + '_ {
        self.custom.iter().filter_map(|range| {
            let bytes = self.bytes.get(range.start as usize..range.end as usize)?;
            let mut reader = BinaryReader::new(bytes, range.start as usize);
            let name = reader.read_string().ok()?;
            Some((name, reader.bytes_remaining()))
        })
    }

    /// Returns true if the module has DWARF sections.
    #[must_use]
    pub fn has_debug_information(&self) -> bool {
        self.custom().any(|(name, _)| name.starts_with(".debug_"))
    }

    /// Returns the type of a function, or `None` if the index or the type is invalid.
    #[must_use]
    pub fn signature(&self, function: u32) -> Option<Signature> {
        let ty = *self.functions.get(function as usize)?;
        let offset = *self.types.get(ty as usize)?;
        Signature::read(self.bytes.get(offset as usize..)?)
    }

    /// Returns the body of a defined function. `function` is its index among all functions,
    /// including imported ones.
    #[must_use]
    pub fn body(&self, function: u32) -> Option<FunctionBody<'a>> {
        let number = function.checked_sub(self.imported_functions)?;
        let range = self.bodies.get(number as usize)?;
        let bytes = self.bytes.get(range.start as usize..range.end as usize)?;
        Some(FunctionBody::new(BinaryReader::new(bytes, range.start as usize)))
    }

    /// Returns the names of all functions by index, with an empty string for each function without
    /// a name. The list is empty if the module has no name section.
    ///
    /// # Errors
    /// When the name section is malformed.
    pub fn names(&self) -> anyhow::Result<Vec<&'a str>> {
        let Some(section) = self.names else { return Ok(Vec::new()) };
        let mut names = vec![""; self.functions.len()];
        let reader = BinaryReader::new(section, self.names_offset);
        for subsection in NameSectionReader::new(reader) {
            if let Name::Function(functions) = subsection.context("in the name section")? {
                for naming in functions {
                    let naming = naming.context("in the name section")?;
                    if let Some(name) = names.get_mut(naming.index as usize) {
                        *name = naming.name;
                    }
                }
            }
        }
        Ok(names)
    }
}

fn at_most(count: u32, what: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        count <= MAX_COUNT,
        "the module has {count} {what}, but no engine accepts more than {MAX_COUNT}"
    );
    Ok(())
}

/// Returns true if the bytes are a relocatable object. A finished module that was linked with
/// `--emit-relocs` has the same custom sections, but it also has exports.
pub fn is_relocatable(bytes: &[u8]) -> bool {
    let mut is_linking = false;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::ExportSection(_) => return false,
            Payload::CustomSection(section) => {
                is_linking |= matches!(section.as_known(), KnownCustom::Linking(_));
            }
            _ => {}
        }
    }
    is_linking
}
