//! One relocatable object: its symbols.
//!
//! Source of the format: the linking section of
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use std::fmt;

use wasmparser::{
    FuncType, KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo, TypeRef,
};

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

/// The type of a function: `(i32, i64) -> i32`, `() -> ()`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The types of its parameters as the text format writes them.
    pub params: Vec<String>,
    /// The types of its results.
    pub results: Vec<String>,
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

/// The symbols of one object, local ones left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// `libc.a(printf.o)`, or the file's name.
    pub name: String,
    /// In the order of the object.
    pub symbols: Vec<Symbol>,
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

impl From<&FuncType> for Signature {
    fn from(ty: &FuncType) -> Self {
        let text = |types: &[wasmparser::ValType]| types.iter().map(ToString::to_string).collect();
        Self { params: text(ty.params()), results: text(ty.results()) }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) -> ", self.params.join(", "))?;
        match &self.results[..] {
            [one] => f.write_str(one),
            results => write!(f, "({})", results.join(", ")),
        }
    }
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
                                unnamed: import.module == UNNAMED_MODULE,
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
                Payload::CustomSection(section) => {
                    if let KnownCustom::Linking(linking) = section.as_known() {
                        object = Some(read_linking(name, linking, &functions)?);
                    }
                }
                _ => {}
            }
        }
        object.ok_or_else(|| ReadError::NotRelocatable(name.to_owned()))
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
    unnamed: bool,
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
) -> Result<Object, ReadError> {
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
        for symbol in table {
            let (flags, name, kind) = match symbol.map_err(wasm)? {
                SymbolInfo::Func { flags, index, name } => {
                    let import = functions.imports.get(index as usize);
                    // One that names a module is an import on purpose, as libc's of WASI are.
                    if import.is_some_and(|import| !import.unnamed) {
                        continue;
                    }
                    // Without a name of its own an undefined function has that of its import.
                    let name = name.or(import.map(|import| import.name.as_str()));
                    let signature = functions.signature(index).cloned().ok_or_else(|| {
                        ReadError::NoSuchFunction { object: object.to_owned(), index }
                    })?;
                    (flags, name, Kind::Function(signature))
                }
                SymbolInfo::Data { flags, name, .. } => (flags, Some(name), Kind::Data),
                _ => continue,
            };
            if flags.contains(SymbolFlags::BINDING_LOCAL) {
                continue;
            }
            if let Some(name) = name {
                symbols.push(Symbol {
                    name: name.to_owned(),
                    kind,
                    undefined: flags.contains(SymbolFlags::UNDEFINED),
                    weak: flags.contains(SymbolFlags::BINDING_WEAK),
                });
            }
        }
    }
    Ok(Object { name: object.to_owned(), symbols, segments })
}
