//! Changes finished WebAssembly modules: garbage collection, imports that are rewired to functions
//! of the module or replaced by stubs, exports that are removed.
//!
//! Internal to cargo-pywasm; this crate promises no semver.
//!
//! It takes bytes and returns bytes. It opens no file, uses no network, knows nothing of the store
//! and prints nothing. A change that has nothing to do returns its input, so that every change can
//! be repeated.

#![doc(hidden)]

mod emit;
mod exports;
mod gc;
mod rewire;
mod stub;

pub use exports::without_exports;
pub use gc::{Collected, POLYFILL_EXPORTS, gc};
pub use rewire::{Rewired, Wire, rewire};
pub use stub::{Stubbed, stub};
