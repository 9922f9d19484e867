//! What a finished module imports, exports and measures: one walk over its sections, which does not
//! look into functions.

use std::ops::Range;

use anyhow::Context;
use pywasm_stubs::Signature;
use wasmparser::{
    BinaryReader, CompositeInnerType, DataKind, ElementItems, ElementKind, Encoding, ExternalKind,
    FunctionBody, KnownCustom, Name, NameSectionReader, Operator, Parser, Payload, SubType,
    TypeRef, ValType,
};

/// No engine takes more of anything than this, so that a small file can't claim much memory.
///
/// Source: "Limits" of the WebAssembly JavaScript interface.
const MOST: u32 = 1_000_000;

/// A module's outside.
#[derive(Debug, Default)]
pub struct Module<'a> {
    /// The bytes, uncompressed.
    pub bytes: &'a [u8],
    /// What it imports, in its order.
    pub imports: Vec<Import<'a>>,
    /// What it exports, in its order.
    pub exports: Vec<Export<'a>>,
    /// The type of each function, imported ones first.
    pub functions: Vec<u32>,
    /// How many of those are imported.
    pub imported_functions: u32,
    /// Where the code of each defined function is.
    pub bodies: Vec<Range<u32>>,
    /// Where the types are in the bytes, by index: few are looked at.
    types: Vec<u32>,
    /// Functions that tables hold, or whose reference is taken outside of code.
    pub in_tables: Vec<u32>,
    /// The start function.
    pub start: Option<u32>,
    /// The custom sections: where each begins, with its name, and where it ends.
    custom: Vec<Range<u32>>,
    /// How many bytes each data segment has.
    pub segments: Vec<u32>,
    /// Data segments whose place is not a single constant.
    pub odd_segments: Vec<u32>,
    /// Sizes in bytes, and counts.
    pub sizes: Sizes,
    /// The types of globals, each once.
    pub global_types: Vec<ValType>,
    names: Option<&'a [u8]>,
    names_offset: usize,
}

/// How much there is of what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// Bytes of the code section.
    pub code: usize,
    /// Bytes of the data section.
    pub data: usize,
    /// Globals, imported ones included.
    pub globals: usize,
    /// Tables, imported ones included.
    pub tables: usize,
    /// Memories, imported ones included.
    pub memories: usize,
    /// Pages of the largest memory at the start.
    pub pages: u64,
}

/// An import.
#[derive(Clone, Debug)]
pub struct Import<'a> {
    /// The module it is asked of.
    pub module: &'a str,
    /// Its name there.
    pub name: &'a str,
    /// What it is.
    pub kind: Extern,
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: Extern,
}

/// What is imported or exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extern {
    /// The function of this index.
    Function(u32),
    /// A table.
    Table,
    /// A memory.
    Memory,
    /// A global.
    Global,
    /// A tag of exceptions.
    Tag,
}

impl Extern {
    /// Its name in messages and policies.
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
    /// When it is broken, or a component.
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
                anyhow::ensure!(encoding == Encoding::Module, "it is a component, not a module");
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
                self.sizes.data = usize::try_from(range.end - range.start)?;
                for (number, segment) in (0..).zip(section) {
                    let segment = segment?;
                    self.segments.push(u32::try_from(segment.data.len())?);
                    if let DataKind::Active { offset_expr, .. } = segment.kind {
                        let mut place = offset_expr.get_operators_reader();
                        let constant = matches!(
                            place.read()?,
                            Operator::I32Const { .. } | Operator::I64Const { .. }
                        ) && matches!(place.read()?, Operator::End);
                        if !constant {
                            self.odd_segments.push(number);
                        }
                    }
                }
            }
            Payload::CustomSection(section) => {
                let range = section.range();
                self.custom.push(u32::try_from(range.start)?..u32::try_from(range.end)?);
                if section.name() == "name" {
                    self.names = Some(section.data());
                    self.names_offset = usize::try_from(section.data_offset())?;
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

    /// Names and sizes of the custom sections.
    pub fn custom(&self) -> impl Iterator<Item = (&'a str, usize)> + '_ {
        self.custom.iter().filter_map(|range| {
            let bytes = self.bytes.get(range.start as usize..range.end as usize)?;
            let mut reader = BinaryReader::new(bytes, u64::from(range.start));
            let name = reader.read_string().ok()?;
            Some((name, reader.bytes_remaining()))
        })
    }

    /// Whether it has debug information.
    #[must_use]
    pub fn has_debug_information(&self) -> bool {
        self.custom().any(|(name, _)| name.starts_with(".debug_"))
    }

    /// The type of a function.
    #[must_use]
    pub fn signature(&self, function: u32) -> Option<Signature> {
        let ty = *self.functions.get(function as usize)?;
        let place = *self.types.get(ty as usize)?;
        let bytes = self.bytes.get(place as usize..)?;
        let ty = BinaryReader::new(bytes, u64::from(place)).read::<SubType>().ok()?;
        match ty.composite_type.inner {
            CompositeInnerType::Func(ty) => Some(Signature::from(&ty)),
            _ => None,
        }
    }

    /// The code of a defined function, by its index among all.
    #[must_use]
    pub fn body(&self, function: u32) -> Option<FunctionBody<'a>> {
        let number = function.checked_sub(self.imported_functions)?;
        let range = self.bodies.get(number as usize)?;
        let bytes = self.bytes.get(range.start as usize..range.end as usize)?;
        Some(FunctionBody::new(BinaryReader::new(bytes, u64::from(range.start))))
    }

    /// The names of its functions, by index, empty for those without one; none where they were stripped.
    ///
    /// # Errors
    /// When the section of names is broken.
    pub fn names(&self) -> anyhow::Result<Vec<&'a str>> {
        let Some(section) = self.names else { return Ok(Vec::new()) };
        let mut names = vec![""; self.functions.len()];
        let reader = BinaryReader::new(section, self.names_offset as u64);
        for subsection in NameSectionReader::new(reader) {
            if let Name::Function(functions) = subsection.context("in the section of names")? {
                for naming in functions {
                    let naming = naming.context("in the section of names")?;
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
    anyhow::ensure!(count <= MOST, "it has {count} {what}; no engine takes more than {MOST}");
    Ok(())
}

/// Whether a module is a relocatable object, which no host can run. A finished one may have been
/// linked with `--emit-relocs`, and then has the same sections; but it exports something.
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
