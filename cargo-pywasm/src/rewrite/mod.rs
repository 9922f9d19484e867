//! Finished modules, changed: by walrus, which knows every index that a change moves.
//!
//! Takes bytes and gives bytes; it touches no file.

mod stub;

pub use stub::{Stubbed, stub};
