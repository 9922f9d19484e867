//! Finished modules, changed: by walrus, which knows every index that a change moves, or section by
//! section where none moves.
//!
//! Takes bytes and gives bytes; it touches no file.

mod custom;
mod gc;
pub mod metadata;
mod pack;
mod rewire;
pub(crate) mod sections;
mod stub;

pub use custom::{Cleared, clear, debugger, each, push};
pub use gc::{POLYFILL_EXPORTS, Swept, gc};
pub use pack::{Packed, pack};
pub use rewire::{Rewired, Wire, rewire};
pub use stub::{Stubbed, stub};
