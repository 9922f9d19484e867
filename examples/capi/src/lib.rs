//! CPython's C API as safe Rust, small enough to read: an [`Interpreter`], [`Scope`]s to run code
//! in, [`Object`]s with [`Dict`] and [`Tuple`], [`Error`]s that are Python's exceptions, and
//! native modules ([`Module`], [`Function`]) that Python imports.
//!
//! Under it are declarations by hand and one C file for what the C API has only as macros and
//! structures. Every object owns one reference and can't outlive the interpreter that a
//! [`Python`] proves to run; every failure of Python's is an `Err`.
//!
//! It never panics where Python code decides what happens: a panic would trap the whole module. It
//! starts no threads, makes no subinterpreters and hands no raw pointer to its users.

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
