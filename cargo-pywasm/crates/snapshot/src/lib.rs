//! Creates snapshots: wasm modules that start with the memory left by an initialization at build
//! time.
//!
//! [`Form`] checks a wasm module before anything runs. The initialization has access only to the
//! arguments, environment variables and directories in its [`Request`], and to a clock that
//! advances each time it is read.
//!
//! This crate is internal to cargo-pywasm and does not follow semver. It takes a wasm module and
//! returns a wasm module, and writes only temporary files.

mod form;
mod open;
mod run;
#[cfg(test)]
mod tests;
mod world;

pub use form::Form;
pub use run::{Snapshot, snapshot};

use pywasm_recipes::Import;
use pywasm_runtime::Program;

/// The inputs of a snapshot.
#[derive(Clone, Debug)]
pub struct Request {
    /// Python modules to import, in this order.
    pub imports: Vec<Import>,
    /// An export of the wasm module to call before Python is initialized.
    pub init: Option<String>,
    /// The arguments, environment variables and directories of the initialization.
    pub program: Program,
    /// Embedded files for the interpreter, in the format of [`pywasm_wasm::embedded`]. Other modules
    /// already contain their files.
    pub files: Option<Vec<u8>>,
    /// Python's hash seed, which is also the seed of all random numbers during initialization.
    /// If `None`, the random numbers come from this machine.
    pub hash_seed: Option<u32>,
}
