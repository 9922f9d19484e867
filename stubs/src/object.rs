//! One relocatable object: its symbols.
//!
//! Source of the format: the linking section of
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use std::collections::BTreeMap;
use std::fmt;

use wasmparser::{
    KnownCustom, Linking, Parser, Payload, RelocSectionReader, RelocationType, SymbolFlags,
    SymbolInfo, TypeRef,
};

use crate::signature::Signature;

/// The module that compilers give to functions which the linker shall find.
const UNNAMED_MODULE: &str = "env";

/// What a symbol names. Globals, tables and tags are the linker's own affair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Code: undefined, it becomes an import. wasm calls by exact type: one of another type is
    /// only warned about by the linker, and traps when it is called.
    Function(Signature),
    /// A variable: undefined, it silently becomes address 0 where undefined symbols are allowed.
    Data,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(signature) => signature.fmt(f),
            Self::Data => f.write_str("data"),
        }
    }
}

/// One symbol that other objects can see or must supply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it names.
    pub kind: Kind,
    /// Whether this object wants it rather than has it.
    pub undefined: bool,
    /// Whether the linker is content without it, or takes another one before it.
    pub weak: bool,
}

/// A function of a host: `wasi_snapshot_preview1.fd_write`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportedFunction {
    /// The module that has it.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// The type it is called with.
    pub signature: Signature,
}

/// The symbols of one object, local ones left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// `libc.a(printf.o)`, or the file's name.
    pub name: String,
    /// In the order of the object.
    pub symbols: Vec<Symbol>,
    /// The functions that it imports on purpose, from a module it names, as libc does those of
    /// WASI: the linker asks nobody for them.
    pub imports: Vec<ImportedFunction>,
    /// For each undefined variable how many bytes of it are known to be used, by name.
    pub(crate) data_used: BTreeMap<String, u32>,
    /// The names of its data segments, for whose bounds the linker makes symbols.
    pub(crate) segments: Vec<String>,
}

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not wasm, or broken.
    #[error("`{object}` is not a wasm object: {source}")]
    Wasm {
        /// The object.
        object: String,
        /// What is wrong.
        source: wasmparser::BinaryReaderError,
    },
    /// A symbol's function, or that function's type, is not there.
    #[error("`{object}` is broken: it has a symbol for function {index}, which has no type")]
    NoSuchFunction {
        /// The object.
        object: String,
        /// The function's index.
        index: u32,
    },
    /// A module that was linked already, or one without symbols.
    #[error("`{0}` has no linking section: it is not a relocatable object")]
    NotRelocatable(String),
    /// A thin archive, which names files and holds none.
    #[error("`{0}` is a thin archive: it only names its members")]
    Thin(String),
    /// Not an archive, or broken.
    #[error("`{archive}` is not an archive: {source}")]
    Archive {
        /// The archive.
        archive: String,
        /// What is wrong.
        source: object::Error,
    },
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// When it is not wasm, broken, or not relocatable.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let wasm = |source| ReadError::Wasm { object: name.to_owned(), source };
        let mut functions = Functions::default();
        let mut object = None;
        let mut used = Used::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(wasm)? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        functions.types.push(Signature::from(&ty.map_err(wasm)?));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.map_err(wasm)?;
                        if let TypeRef::Func(ty) = import.ty {
                            functions.imports.push(Import {
                                module: import.module.to_owned(),
                                name: import.name.to_owned(),
                            });
                            functions.type_of.push(ty);
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        functions.type_of.push(ty.map_err(wasm)?);
                    }
                }
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Linking(linking) => {
                        object = Some(read_linking(name, linking, &functions, &mut used)?);
                    }
                    KnownCustom::Reloc(relocations) => {
                        used.read(&relocations).map_err(wasm)?;
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let mut object = object.ok_or_else(|| ReadError::NotRelocatable(name.to_owned()))?;
        object.data_used = used.by_name();
        Ok(object)
    }
}

/// How far into undefined variables an object reaches: relocations say it, symbols don't.
#[derive(Default)]
struct Used {
    /// The index of a symbol, and its name.
    undefined: BTreeMap<u32, String>,
    /// The index of a symbol, and the end of what is used of it.
    ends: BTreeMap<u32, u32>,
}

impl Used {
    /// The widest number that is loaded or stored at once, but for vectors.
    const WIDEST: u32 = 8;

    fn read(&mut self, section: &RelocSectionReader<'_>) -> wasmparser::Result<()> {
        for entry in section.entries() {
            let entry = entry?;
            if matches!(
                entry.ty,
                RelocationType::MemoryAddrLeb
                    | RelocationType::MemoryAddrSleb
                    | RelocationType::MemoryAddrI32
            ) {
                let reached = u32::try_from(entry.addend).unwrap_or(0);
                let end = self.ends.entry(entry.index).or_default();
                *end = reached.saturating_add(Self::WIDEST).max(*end);
            }
        }
        Ok(())
    }

    fn by_name(self) -> BTreeMap<String, u32> {
        let end = |index| self.ends.get(index).copied().unwrap_or(Self::WIDEST);
        self.undefined.iter().map(|(index, name)| (name.clone(), end(index))).collect()
    }
}

/// The functions of an object by their index, imports first.
#[derive(Default)]
struct Functions {
    types: Vec<Signature>,
    imports: Vec<Import>,
    type_of: Vec<u32>,
}

struct Import {
    module: String,
    name: String,
}

impl Functions {
    fn signature(&self, index: u32) -> Option<&Signature> {
        self.types.get(*self.type_of.get(index as usize)? as usize)
    }
}

fn read_linking(
    object: &str,
    linking: wasmparser::LinkingSectionReader<'_>,
    functions: &Functions,
    used: &mut Used,
) -> Result<Object, ReadError> {
    let wasm = |source| ReadError::Wasm { object: object.to_owned(), source };
    let (mut symbols, mut segments, mut imports) = (Vec::new(), Vec::new(), Vec::new());
    for subsection in linking.subsections() {
        let table = match subsection.map_err(wasm)? {
            Linking::SymbolTable(table) => table,
            Linking::SegmentInfo(infos) => {
                for info in infos {
                    segments.push(info.map_err(wasm)?.name.to_owned());
                }
                continue;
            }
            _ => continue,
        };
        for (number, symbol) in (0_u32..).zip(table) {
            let (flags, name, kind) = match symbol.map_err(wasm)? {
                SymbolInfo::Func { flags, index, name } => {
                    let import = functions.imports.get(index as usize);
                    let signature = functions.signature(index).cloned().ok_or_else(|| {
                        ReadError::NoSuchFunction { object: object.to_owned(), index }
                    })?;
                    if let Some(Import { module, name }) = import
                        && module != UNNAMED_MODULE
                    {
                        let (module, name) = (module.clone(), name.clone());
                        imports.push(ImportedFunction { module, name, signature });
                        continue;
                    }
                    // Without a name of its own an undefined function has that of its import.
                    let name = name.or(import.map(|import| import.name.as_str()));
                    (flags, name, Kind::Function(signature))
                }
                SymbolInfo::Data { flags, name, .. } => (flags, Some(name), Kind::Data),
                _ => continue,
            };
            if flags.contains(SymbolFlags::BINDING_LOCAL) {
                continue;
            }
            if let Some(name) = name {
                if kind == Kind::Data && flags.contains(SymbolFlags::UNDEFINED) {
                    used.undefined.insert(number, name.to_owned());
                }
                symbols.push(Symbol {
                    name: name.to_owned(),
                    kind,
                    undefined: flags.contains(SymbolFlags::UNDEFINED),
                    weak: flags.contains(SymbolFlags::BINDING_WEAK),
                });
            }
        }
    }
    imports.sort();
    imports.dedup();
    let data_used = BTreeMap::new();
    Ok(Object { name: object.to_owned(), symbols, imports, data_used, segments })
}
