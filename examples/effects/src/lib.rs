//! Algebraic effects for Python: programs yield what they want, handlers decide what that means.
//!
//! The Python module `effects` is registered before Python starts ([`command`] shows it). Programs
//! are generators; a VM in Rust runs them, holds what is suspended, and finds the handlers.
//!
//! It never looks inside a program, and never runs two at the same time.

pub mod command;

mod python;
mod vm;

pub use python::effects;
