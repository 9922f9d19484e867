//! Reads the symbols of a relocatable object file.
//!
//! The format is the linking section of
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use wasmparser::{
    KnownCustom, Linking, Parser, Payload, RelocSectionReader, RelocationType, SymbolFlags,
    SymbolInfo, TypeRef,
};

use crate::read_error::ReadError;
use crate::signature::Signature;

/// The import module of functions that the linker resolves.
const LINKED_MODULE: &str = "env";

/// The kind of a symbol. Wasm tables and sections are left out, because only the linker deals with
/// them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SymbolKind {
    /// A function. If undefined, it becomes an import. A wasm call specifies an exact type. If the
    /// definition has a different type, the linker only warns, and the call traps.
    Function(Signature),
    /// A variable. If undefined, and the linker allows undefined symbols, its address is 0.
    Data,
    /// A wasm global, which has no address.
    Global,
    /// An exception tag.
    Tag,
}

impl fmt::Display for SymbolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(signature) => signature.fmt(f),
            Self::Data => f.write_str("data"),
            Self::Global => f.write_str("global"),
            Self::Tag => f.write_str("tag"),
        }
    }
}

/// A non-local symbol of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Symbol {
    /// The name.
    pub name: String,
    /// The kind, including the type of a function.
    pub kind: SymbolKind,
    /// True if the object refers to the symbol without defining it.
    pub undefined: bool,
    /// For an undefined symbol, true if it may remain undefined; for a defined symbol, true if
    /// another definition can take precedence.
    pub weak: bool,
    /// True if the function is defined or called. The linker does not check the type of a function
    /// whose address is only taken.
    pub called: bool,
    /// True if the symbol is a thread-local variable.
    pub thread_local: bool,
    /// The module and name of the import that the symbol becomes if it remains undefined, such as
    /// `wasi_snapshot_preview1` and `fd_write`.
    pub host: Option<(String, String)>,
}

/// A host function, such as `wasi_snapshot_preview1.fd_write`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ImportedFunction {
    /// The module.
    pub module: String,
    /// The name within the module.
    pub name: String,
    /// The type that callers expect the function to have.
    pub signature: Signature,
}

/// The non-local symbols of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    /// The file name, or the archive and the member, as in `libc.a(printf.o)`.
    pub name: String,
    /// The symbols, in the order of the symbol table.
    pub symbols: Vec<Symbol>,
    /// The size of the code and the data in bytes.
    pub size: u64,
    /// For each undefined variable, the number of bytes that are known to be used.
    pub(crate) used_bytes: BTreeMap<String, u32>,
    /// The names of the data segments. The linker can define `__start_NAME` and `__stop_NAME` for
    /// each of them.
    pub(crate) segments: Vec<String>,
}

impl Object {
    /// Reads an object. `name` is used in errors and reports.
    ///
    /// # Errors
    /// If the bytes are not wasm, are malformed, or are not relocatable.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let wasm = ReadError::wasm(name);
        let mut functions = Functions::default();
        let mut linking_section = None;
        let mut relocations = Relocations::default();
        let mut size = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(&wasm)? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        functions.types.push(Signature::from_parsed(&ty.map_err(&wasm)?));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        functions.import(&import.map_err(&wasm)?);
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        functions.type_of.push(ty.map_err(&wasm)?);
                    }
                }
                Payload::CodeSectionStart { range, .. } => size += range.len() as u64,
                Payload::DataSection(section) => size += section.range().len() as u64,
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Linking(linking) => {
                        linking_section = Some(read_linking(name, linking, &functions)?);
                    }
                    KnownCustom::Reloc(section) => {
                        relocations.read(&section).map_err(&wasm)?;
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let (symbols, segments) =
            linking_section.ok_or_else(|| ReadError::NotRelocatable(name.to_owned()))?;
        let mut object = Self { name: name.to_owned(), segments, size, ..Self::default() };
        for (index, mut symbol) in symbols {
            symbol.called |= relocations.called.contains(&index);
            if symbol.undefined && symbol.kind == SymbolKind::Data {
                let end = relocations.ends.get(&index).copied().unwrap_or(MAX_ACCESS);
                object.used_bytes.insert(symbol.name.clone(), end);
            }
            object.symbols.push(symbol);
        }
        Ok(object)
    }

    /// Returns true if the object defines a symbol with this name.
    pub(crate) fn defines(&self, name: &str) -> bool {
        self.symbols.iter().any(|symbol| !symbol.undefined && symbol.name == name)
    }
}

/// The size in bytes of the largest load or store, ignoring vectors. It is assumed for every access
/// to a variable, because a relocation shows only where the access begins.
const MAX_ACCESS: u32 = 8;

/// Facts that only the relocations show, keyed by symbol index.
#[derive(Default)]
struct Relocations {
    /// The functions that are called, as opposed to those whose address is only taken.
    called: BTreeSet<u32>,
    /// For each variable, the end offset of the part that is used.
    ends: BTreeMap<u32, u32>,
}

impl Relocations {
    fn read(&mut self, section: &RelocSectionReader<'_>) -> wasmparser::Result<()> {
        for entry in section.entries() {
            let entry = entry?;
            match entry.ty {
                RelocationType::FunctionIndexLeb => {
                    self.called.insert(entry.index);
                }
                RelocationType::MemoryAddrLeb
                | RelocationType::MemoryAddrSleb
                | RelocationType::MemoryAddrI32 => {
                    let offset = u32::try_from(entry.addend).unwrap_or(0);
                    let end = self.ends.entry(entry.index).or_default();
                    *end = offset.saturating_add(MAX_ACCESS).max(*end);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The functions of an object, indexed as in wasm: imports first.
#[derive(Default)]
struct Functions {
    types: Vec<Signature>,
    imports: Vec<Import>,
    type_of: Vec<u32>,
    /// The names of imported globals, in index order.
    globals: Vec<String>,
    tags: Vec<String>,
}

struct Import {
    module: String,
    name: String,
}

impl Functions {
    fn import(&mut self, import: &wasmparser::Import<'_>) {
        let name = import.name.to_owned();
        match import.ty {
            TypeRef::Func(ty) => {
                self.imports.push(Import { module: import.module.to_owned(), name });
                self.type_of.push(ty);
            }
            TypeRef::Global(_) => self.globals.push(name),
            TypeRef::Tag(_) => self.tags.push(name),
            _ => {}
        }
    }

    fn signature(&self, index: u32) -> Option<&Signature> {
        self.types.get(*self.type_of.get(index as usize)? as usize)
    }
}

/// The symbols with their indices, and the names of the data segments.
type LinkingSection = (Vec<(u32, Symbol)>, Vec<String>);

fn read_linking(
    object: &str,
    linking: wasmparser::LinkingSectionReader<'_>,
    functions: &Functions,
) -> Result<LinkingSection, ReadError> {
    let wasm = ReadError::wasm(object);
    let (mut symbols, mut segments) = (Vec::new(), Vec::new());
    for subsection in linking.subsections() {
        let table = match subsection.map_err(&wasm)? {
            Linking::SymbolTable(table) => table,
            Linking::SegmentInfo(infos) => {
                for info in infos {
                    segments.push(info.map_err(&wasm)?.name.to_owned());
                }
                continue;
            }
            _ => continue,
        };
        for (index, symbol) in (0_u32..).zip(table) {
            if let Some(symbol) = read_symbol(object, symbol.map_err(&wasm)?, functions)? {
                symbols.push((index, symbol));
            }
        }
    }
    Ok((symbols, segments))
}

/// Reads a symbol. Returns `None` for a local symbol, a wasm table or a section.
fn read_symbol(
    object: &str,
    symbol: SymbolInfo<'_>,
    functions: &Functions,
) -> Result<Option<Symbol>, ReadError> {
    let mut host = None;
    // An undefined symbol without an explicit name takes the name of its import.
    let (flags, name, kind) = match symbol {
        SymbolInfo::Func { flags, index, name } => {
            let signature = functions.signature(index).cloned();
            let signature = signature
                .ok_or_else(|| ReadError::NoSuchFunction { object: object.to_owned(), index })?;
            let import = functions.imports.get(index as usize);
            if let Some(Import { module, name }) = import
                && (flags.contains(SymbolFlags::EXPLICIT_NAME) || module != LINKED_MODULE)
            {
                host = Some((module.clone(), name.clone()));
            }
            let name = name.or(import.map(|import| import.name.as_str()));
            (flags, name, SymbolKind::Function(signature))
        }
        SymbolInfo::Data { flags, name, .. } => (flags, Some(name), SymbolKind::Data),
        SymbolInfo::Global { flags, index, name } => {
            let import = functions.globals.get(index as usize).map(String::as_str);
            (flags, name.or(import), SymbolKind::Global)
        }
        SymbolInfo::Event { flags, index, name } => {
            let import = functions.tags.get(index as usize).map(String::as_str);
            (flags, name.or(import), SymbolKind::Tag)
        }
        _ => return Ok(None),
    };
    let undefined = flags.contains(SymbolFlags::UNDEFINED);
    let name = name.filter(|_| !flags.contains(SymbolFlags::BINDING_LOCAL));
    Ok(name.map(|name| Symbol {
        name: name.to_owned(),
        kind,
        undefined,
        weak: flags.contains(SymbolFlags::BINDING_WEAK),
        called: !undefined,
        thread_local: flags.contains(SymbolFlags::TLS),
        host: host.filter(|_| undefined),
    }))
}
