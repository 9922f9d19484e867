//! Reads a finished WebAssembly module: its sections, imports, exports, names, code and custom
//! sections. Also removes and adds custom sections, and copies all other bytes unchanged.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! The crate takes bytes and returns values. It opens no files, uses no network and prints nothing.
//! Policies and size reports are in other crates. Any input results in a value or an error, never
//! in a panic.

mod code;
mod command;
pub mod custom;
pub mod embedded;
mod module;
pub mod sections;

pub use code::{Calls, Largest};
pub use command::CommandExport;
pub use module::{Export, Extern, Import, Module, Sizes, is_relocatable};
