//! Finished modules, changed: by walrus, which knows every index that a change moves, or section by
//! section where none moves.
//!
//! Takes bytes and gives bytes; it touches no file.

mod emit;
mod exports;
mod gc;
mod rewire;
mod stub;

pub use exports::without_exports;
pub use gc::{POLYFILL_EXPORTS, Swept, gc};
pub use rewire::{Rewired, Wire, rewire};
pub use stub::{Stubbed, stub};
