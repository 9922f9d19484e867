//! What a set of wasm objects and archives leaves undefined, by the linker's rules; and objects
//! written without a compiler, to be linked with them.
//!
//! Reads and makes bytes and knows names; it touches no network and no file, and runs no linker.
//!
//! ```no_run
//! let mut link = pywasm_stubs::Link::new();
//! link.whole_archive("libpython3.13.a", &std::fs::read("libpython3.13.a")?)?;
//! link.archive("libc.a", &std::fs::read("libc.a")?)?;
//! assert!(link.undefined().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod link;
mod macros;
mod object;
mod writer;

pub use link::{Closure, Link, Undefined};
pub use macros::{Macro, macros};
pub use object::{Kind, Object, ReadError, Signature, Symbol};
pub use wasm_encoder::{Instruction, ValType};
pub use writer::{Binding, Code, Data, SymbolId, Writer};
