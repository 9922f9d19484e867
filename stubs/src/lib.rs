//! What a set of wasm objects and archives leaves undefined, by the linker's rules.
//!
//! Reads bytes and knows names; it touches no network, runs no linker and writes nothing.
//!
//! ```no_run
//! let mut link = pywasm_stubs::Link::new();
//! link.whole_archive("libpython3.13.a", &std::fs::read("libpython3.13.a")?)?;
//! link.archive("libc.a", &std::fs::read("libc.a")?)?;
//! assert!(link.undefined().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod link;
mod object;

pub use link::{Closure, Link, Undefined};
pub use object::{Kind, Object, ReadError, Signature, Symbol};
