//! The error for an object or archive that cannot be read.

/// The error for an object or archive that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is not wasm, or is malformed.
    #[error("`{object}` is not a wasm object: {message}")]
    Wasm {
        /// The object.
        object: String,
        /// The parser's message.
        message: String,
    },
    /// A symbol refers to a function that does not exist or has no type.
    #[error("`{object}` is malformed: it has a symbol for function {index}, which has no type")]
    NoSuchFunction {
        /// The object.
        object: String,
        /// The index of the function.
        index: u32,
    },
    /// The file is a linked module, or has no symbols.
    #[error("`{0}` has no linking section: it is not a relocatable object")]
    NotRelocatable(String),
    /// The file is an object for another machine.
    #[error("`{object}` is {format}")]
    Foreign {
        /// The object.
        object: String,
        /// A description of the file's format.
        format: &'static str,
    },
    /// The file is a thin archive, which contains only the names of its members.
    #[error("`{0}` is a thin archive: it contains only the names of its members")]
    Thin(String),
    /// The file is not an archive, or is malformed.
    #[error("`{archive}` is not an archive: {message}")]
    Archive {
        /// The archive.
        archive: String,
        /// The parser's message.
        message: String,
    },
}

impl ReadError {
    /// Wraps an error from the object parser.
    pub(crate) fn wasm(object: &str) -> impl Fn(wasmparser::BinaryReaderError) -> Self {
        move |error| Self::Wasm { object: object.to_owned(), message: error.to_string() }
    }

    /// Wraps an error from the archive parser.
    pub(crate) fn archive(archive: &str) -> impl Fn(object::Error) -> Self {
        move |error| Self::Archive { archive: archive.to_owned(), message: error.to_string() }
    }
}

/// Describes the format of a compiled file that is not wasm. Returns `None` for any other file.
#[must_use]
pub fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0x7f, b'E', b'L', b'F', ..] => {
            "an ELF file, which was compiled for the build machine instead of wasm32"
        }
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => {
            "a Mach-O file, which was compiled for the build machine instead of wasm32"
        }
        [b'B', b'C', 0xc0, 0xde, ..] => "LLVM bitcode; link-time optimization has to run first",
        _ => return None,
    })
}
