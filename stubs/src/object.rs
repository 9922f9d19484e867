//! One relocatable object: its symbols.
//!
//! Source of the format: the linking section of
//! <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>.

use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo, TypeRef};

/// The module that compilers give to functions which the linker shall find.
const UNNAMED_MODULE: &str = "env";

/// What a symbol names. Globals, tables and tags are the linker's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Code: undefined, it becomes an import.
    Function,
    /// A variable: undefined, it silently becomes address 0 where undefined symbols are allowed.
    Data,
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
    /// A module that was linked already, or one without symbols.
    #[error("`{0}` has no linking section: it is not a relocatable object")]
    NotRelocatable(String),
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
        let mut imports = Vec::new();
        let mut symbols = None;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(wasm)? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.map_err(wasm)?;
                        if matches!(import.ty, TypeRef::Func(_)) {
                            imports.push((import.module == UNNAMED_MODULE, import.name.to_owned()));
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Linking(linking) = section.as_known() {
                        symbols = Some(read_symbols(linking, &imports).map_err(wasm)?);
                    }
                }
                _ => {}
            }
        }
        let symbols = symbols.ok_or_else(|| ReadError::NotRelocatable(name.to_owned()))?;
        Ok(Self { name: name.to_owned(), symbols })
    }
}

fn read_symbols(
    linking: wasmparser::LinkingSectionReader<'_>,
    imports: &[(bool, String)],
) -> wasmparser::Result<Vec<Symbol>> {
    let mut symbols = Vec::new();
    for subsection in linking.subsections() {
        let Linking::SymbolTable(table) = subsection? else { continue };
        for symbol in table {
            let (flags, name, kind) = match symbol? {
                SymbolInfo::Func { flags, index, name } => {
                    let import = imports.get(index as usize);
                    // One that names a module is an import on purpose, as libc's of WASI are.
                    if import.is_some_and(|(unnamed, _)| !unnamed) {
                        continue;
                    }
                    // Without a name of its own an undefined function has that of its import.
                    let imported = || import.map(|(_, name)| name.clone());
                    (flags, name.map(str::to_owned).or_else(imported), Kind::Function)
                }
                SymbolInfo::Data { flags, name, .. } => (flags, Some(name.to_owned()), Kind::Data),
                _ => continue,
            };
            if flags.contains(SymbolFlags::BINDING_LOCAL) {
                continue;
            }
            if let Some(name) = name {
                symbols.push(Symbol {
                    name,
                    kind,
                    undefined: flags.contains(SymbolFlags::UNDEFINED),
                    weak: flags.contains(SymbolFlags::BINDING_WEAK),
                });
            }
        }
    }
    Ok(symbols)
}
