//! A small, safe layer over CPython's C API: an [`Interpreter`], [`Scope`]s that run code,
//! [`Object`]s (including [`Dict`]s and [`Tuple`]s), [`Error`]s that represent Python exceptions,
//! and native modules ([`Module`], [`Function`]) that Python can import.
//!
//! The layer is built on handwritten declarations, and on one C file for macros and structures in
//! the C API. Every object owns one reference. An object contains a [`Python`] token, so it cannot
//! outlive the interpreter. Every exception is an `Err`.
//!
//! Code that Python can reach does not panic, because a panic would trap the whole module. The
//! crate starts no threads, creates no subinterpreters and exposes no raw pointers.

mod convert;
mod dict;
mod error;
mod ffi;
mod inittab;
mod interpreter;
mod module;
mod object;
mod scope;
mod text;
mod tuple;

pub use convert::{FromPython, ToArguments, ToPython};
pub use dict::{Dict, Items};
pub use error::{Error, Kind, Result};
pub use interpreter::{Config, FinalizeError, Interpreter, Python, StartError};
pub use module::{Arguments, Definition, Function, Method, Module};
pub use object::{Iter, Object};
pub use scope::Scope;
pub use tuple::Tuple;
