//! The error for an invalid recipe.

use super::check::SCHEMA;
use crate::PythonRequest;

/// The reason why a recipe is refused. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The text is not TOML, or does not follow the schema. The message contains the line and the
    /// column.
    #[error("{0}")]
    Parse(String),
    /// The recipe is written for a newer version of this tool.
    #[error("schema {0} is newer than {SCHEMA}, the newest supported schema")]
    Schema(u32),
    /// The name is unsuitable as part of a directory name.
    #[error(
        "line {line}: recipe name `{name}` is invalid; use lowercase letters, digits and \
         hyphens, with no hyphen at the start or end"
    )]
    Name {
        /// The name.
        name: String,
        /// The line of the name.
        line: usize,
    },
    /// CPython has no extension module with this name.
    #[error("line {line}: CPython {python} has no extension module `{module}`{suggestion}")]
    UnknownModule {
        /// The module.
        module: String,
        /// The CPython that the recipe requests.
        python: PythonRequest,
        /// A suggestion, such as "; did you mean `_decimal`?", or an empty string.
        suggestion: String,
        /// The line of the module.
        line: usize,
    },
    /// There is no such C library.
    #[error("line {line}: there is no library `{name}`; the libraries are {known}")]
    UnknownLibrary {
        /// The name.
        name: String,
        /// The known libraries, separated by commas.
        known: String,
        /// The line of the name.
        line: usize,
    },
    /// An entry of `build.files` is not the path of a C file.
    #[error(
        "line {line}: `{file}` is not the path of a C file in CPython, such as \
         `Objects/typeobject.c`"
    )]
    File {
        /// The entry.
        file: String,
        /// The line of the entry.
        line: usize,
    },
    /// An entry of `build.cflags` is not a single flag.
    #[error(
        "line {line}: `{flag}` is not a compiler flag; each entry of `cflags` must start with `-` \
         and must not contain whitespace"
    )]
    Flag {
        /// The entry.
        flag: String,
        /// The line of the entry.
        line: usize,
    },
}
