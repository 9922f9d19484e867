//! A module as it is after its initialization: the memory of a run at build time, kept as data.
//!
//! What may be kept is said by [`Form`], before anything runs; the initialization sees what its
//! [`Request`] gives it and nothing else, by a clock that only counts how often it is asked. It writes
//! no file.

mod form;
mod open;
mod run;
#[cfg(test)]
mod tests;
mod world;

pub use form::Form;
pub use run::{Snapshot, snapshot};

use crate::import::Import;
use pywasm_runtime::Program;

/// What a snapshot is made with.
#[derive(Clone, Debug)]
pub struct Request {
    /// Modules of Python that are imported, in this order.
    pub imports: Vec<Import>,
    /// An export of the module that is called before Python's part.
    pub init: Option<String>,
    /// What the initialization sees: arguments, variables, directories.
    pub program: Program,
    /// Python's hash seed, and what all random numbers of the initialization come from; drawn by this
    /// machine where there is none.
    pub hash_seed: Option<u32>,
}
