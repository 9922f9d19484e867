//! Changes finished WebAssembly modules: removes unreachable code and exports, redirects imports to
//! functions of the module, and replaces imports with stubs.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! The crate takes bytes and returns bytes. It does not open files, use the network or the store,
//! or print anything. Applying a change twice has the same result as applying it once.

mod emit;
mod exports;
mod gc;
mod rewire;
mod stub;

pub use exports::without_exports;
pub use gc::{Collected, POLYFILL_EXPORTS, gc};
pub use rewire::{Rewired, Wire, rewire};
pub use stub::{Stubbed, stub};
