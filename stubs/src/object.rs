//! One relocatable object: its symbols.
//!
//! Source of the format: the linking section of
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use wasmparser::{
    KnownCustom, Linking, Parser, Payload, RelocSectionReader, RelocationType, SymbolFlags,
    SymbolInfo, TypeRef,
};

use crate::signature::Signature;

/// The module that compilers give to functions which the linker shall find.
const UNNAMED_MODULE: &str = "env";

/// What a symbol names. Tables are the linker's own affair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Code: undefined, it becomes an import. wasm calls by exact type: one of another type is
    /// only warned about by the linker, and traps when it is called.
    Function(Signature),
    /// A variable: undefined, it silently becomes address 0 where undefined symbols are allowed.
    Data,
    /// A variable of wasm's own, which has no address.
    Global,
    /// A kind of exceptions.
    Tag,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(signature) => signature.fmt(f),
            Self::Data => f.write_str("data"),
            Self::Global => f.write_str("global"),
            Self::Tag => f.write_str("tag"),
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
    /// Whether it is called by its type: of a function whose address is only taken, the linker
    /// asks no type. Of what is defined, always.
    pub called: bool,
    /// Whether every thread has its own.
    pub tls: bool,
    /// The import that it becomes where nothing defines it: `wasi_snapshot_preview1`, `fd_write`.
    pub host: Option<(String, String)>,
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// `libc.a(printf.o)`, or the file's name.
    pub name: String,
    /// In the order of the object.
    pub symbols: Vec<Symbol>,
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
    /// An object of another machine.
    #[error("`{object}` is {what}")]
    Foreign {
        /// The object.
        object: String,
        /// What it is.
        what: &'static str,
    },
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

/// What bytes are that some compiler made, and not for wasm.
#[must_use]
pub fn made_for(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0x7f, b'E', b'L', b'F', ..] => "ELF: made for this machine, not for wasm32",
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => "Mach-O: made for this machine, not for wasm32",
        [b'B', b'C', 0xc0, 0xde, ..] => {
            "LLVM bitcode: made for link-time optimisation, which has to be done first"
        }
        _ => return None,
    })
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// When it is not wasm, broken, or not relocatable.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        let wasm = |source| ReadError::Wasm { object: name.to_owned(), source };
        let mut functions = Functions::default();
        let mut read = None;
        let mut relocated = Relocated::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(wasm)? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        functions.types.push(Signature::from(&ty.map_err(wasm)?));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        functions.import(&import.map_err(wasm)?);
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        functions.type_of.push(ty.map_err(wasm)?);
                    }
                }
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Linking(linking) => {
                        read = Some(read_linking(name, linking, &functions)?);
                    }
                    KnownCustom::Reloc(relocations) => {
                        relocated.read(&relocations).map_err(wasm)?;
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let (symbols, segments) = read.ok_or_else(|| ReadError::NotRelocatable(name.to_owned()))?;
        let mut object = Self { name: name.to_owned(), segments, ..Self::default() };
        for (index, mut symbol) in symbols {
            symbol.called |= relocated.called.contains(&index);
            if symbol.undefined && symbol.kind == Kind::Data {
                let end = relocated.ends.get(&index).copied().unwrap_or(WIDEST);
                object.data_used.insert(symbol.name.clone(), end);
            }
            object.symbols.push(symbol);
        }
        Ok(object)
    }
}

/// The widest number that is loaded or stored at once, but for vectors.
const WIDEST: u32 = 8;

/// What relocations tell of symbols, by their index.
#[derive(Default)]
struct Relocated {
    /// Functions that are called, rather than having their address taken.
    called: BTreeSet<u32>,
    /// The end of what is used of a variable.
    ends: BTreeMap<u32, u32>,
}

impl Relocated {
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
                    let reached = u32::try_from(entry.addend).unwrap_or(0);
                    let end = self.ends.entry(entry.index).or_default();
                    *end = reached.saturating_add(WIDEST).max(*end);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The functions of an object by their index, imports first.
#[derive(Default)]
struct Functions {
    types: Vec<Signature>,
    imports: Vec<Import>,
    type_of: Vec<u32>,
    /// Imported globals and tags by their index.
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

/// Symbols by their index, and the names of the data segments.
type Linked = (Vec<(u32, Symbol)>, Vec<String>);

fn read_linking(
    object: &str,
    linking: wasmparser::LinkingSectionReader<'_>,
    functions: &Functions,
) -> Result<Linked, ReadError> {
    let wasm = |source| ReadError::Wasm { object: object.to_owned(), source };
    let (mut symbols, mut segments) = (Vec::new(), Vec::new());
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
        for (index, symbol) in (0_u32..).zip(table) {
            if let Some(symbol) = read_symbol(object, symbol.map_err(wasm)?, functions)? {
                symbols.push((index, symbol));
            }
        }
    }
    Ok((symbols, segments))
}

/// A symbol that others see; nothing where it is local, or names what the linker sees to itself.
fn read_symbol(
    object: &str,
    symbol: SymbolInfo<'_>,
    functions: &Functions,
) -> Result<Option<Symbol>, ReadError> {
    let mut host = None;
    // Without a name of its own an undefined symbol has that of its import.
    let (flags, name, kind) = match symbol {
        SymbolInfo::Func { flags, index, name } => {
            let signature = functions.signature(index).cloned();
            let signature = signature
                .ok_or_else(|| ReadError::NoSuchFunction { object: object.to_owned(), index })?;
            let import = functions.imports.get(index as usize);
            if let Some(Import { module, name }) = import
                && (flags.contains(SymbolFlags::EXPLICIT_NAME) || module != UNNAMED_MODULE)
            {
                host = Some((module.clone(), name.clone()));
            }
            let name = name.or(import.map(|import| import.name.as_str()));
            (flags, name, Kind::Function(signature))
        }
        SymbolInfo::Data { flags, name, .. } => (flags, Some(name), Kind::Data),
        SymbolInfo::Global { flags, index, name } => {
            let import = functions.globals.get(index as usize).map(String::as_str);
            (flags, name.or(import), Kind::Global)
        }
        SymbolInfo::Event { flags, index, name } => {
            let import = functions.tags.get(index as usize).map(String::as_str);
            (flags, name.or(import), Kind::Tag)
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
        tls: flags.contains(SymbolFlags::TLS),
        host: host.filter(|_| undefined),
    }))
}
