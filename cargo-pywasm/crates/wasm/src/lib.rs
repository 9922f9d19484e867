//! Reads a finished WebAssembly module: its sections, imports, exports, names, code and custom
//! sections. Custom sections can also be removed and added; all other bytes are copied.
//!
//! Internal to cargo-pywasm; this crate promises no semver.
//!
//! It takes bytes and returns values. It opens no file, uses no network and prints nothing, and it
//! knows neither policies nor sizes. Any input gives a value or an error, never a panic.

#![doc(hidden)]

mod code;
pub mod custom;
mod module;
pub mod sections;

pub use code::{Calls, Largest};
pub use module::{Export, Extern, Import, Module, Sizes, is_relocatable};
