//! Finished modules, changed: by walrus, which knows every index that a change moves, or section by
//! section where none moves.
//!
//! Takes bytes and gives bytes; it touches no file.

mod gc;
mod pack;
mod rewire;
mod sections;
mod stub;

pub use gc::{POLYFILL_EXPORTS, Swept, gc};
pub use pack::{Packed, pack};
pub use rewire::{Rewired, Wire, rewire};
pub use sections::{Cleared, clear, debugger, each, push};
pub use stub::{Stubbed, stub};
