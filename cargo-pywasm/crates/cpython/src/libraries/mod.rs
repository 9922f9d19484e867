//! The C libraries that extension modules need. They are compiled once per toolchain, and all recipes
//! and releases share the result.
//!
//! A compiled library is a directory in the store that contains the archive, the directory `include`
//! with the headers, and the directory `licenses`.

mod compile;
mod fetch;
mod select;

pub use compile::is_outdated;
pub(crate) use compile::{Compiled, compile};
pub use select::{Provider, Selected, selected};
