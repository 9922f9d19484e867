//! Snapshots: modules that start with the memory of an initialization at build time.
//!
//! [`Form`] checks a module before anything runs. The initialization sees only the arguments,
//! variables and directories of its [`Request`], and a clock that advances with each query.
//!
//! Internal to cargo-pywasm; this crate promises no semver. It writes no files and knows nothing of
//! installations: it takes a module and returns a module.

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
    /// An export of the module to call before Python is initialized.
    pub init: Option<String>,
    /// The arguments, variables and directories of the initialization.
    pub program: Program,
    /// Python's hash seed, also the seed of all random numbers of the initialization. `None` uses
    /// the random numbers of this machine.
    pub hash_seed: Option<u32>,
}
