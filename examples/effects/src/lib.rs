//! Algebraic effects for Python: programs yield effects, and handlers decide what an effect means.
//!
//! The Python module `effects` is registered before Python starts (see [`command`]). Programs are
//! Python generators. A virtual machine in Rust runs them, keeps suspended programs, and finds the
//! handlers. The virtual machine runs one program at a time and does not look inside programs.

pub mod command;

mod python;
mod vm;

pub use python::effects;
