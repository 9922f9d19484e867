//! Finds or assembles a compiler and a sysroot for wasm32-wasip1, in the layout of a WASI SDK.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! A toolchain comes from one of four sources, which [`resolve`] tries in this order: a directory
//! that the user specified, the store, the pinned official WASI SDK, and the machine's own signed
//! package archives. A file with a wrong digest ends the search with an error. Binaryen's
//! `wasm-opt` and a Rust toolchain for wasm32-wasip1 are installed from the same sources.
//!
//! Nothing is installed on the machine itself: everything is unpacked into the store.

pub mod apt;
mod binaryen;
mod bundle;
mod check;
mod layout;
mod official;
mod packages;
mod path;
mod record;
mod releases;
mod request;
mod resolve;
mod run;
mod rust;
mod shims;
mod source;
mod survey;
#[cfg(test)]
mod test_machine;
mod toolchain;

pub use binaryen::{Binaryen, BinaryenRequest, BinaryenSource, version};
pub use releases::IndexedRelease;
pub use request::{Needs, ToolchainRequest};
pub use resolve::{installed, resolve};
pub use rust::Rust;
pub use source::{Skipped, ToolchainSource};
pub use toolchain::{Input, Toolchain};
