//! What is done to a module after the link, so that a host takes it: a plan of steps, and its run.
//!
//! A plan and a module give an outcome; files are written when all of it went well, by [`Files`].
//! It never changes the module that it reads, and never leaves half of a new one beside an old one.

mod files;
mod gzip;
mod plan;
mod run;
mod sizes;
mod snapshotting;
mod stamp;
mod step;
mod tell;
mod wasm_opt;

pub use files::Files;
pub(crate) use gzip::gzip;
pub use plan::{Asked, Initialization, Plan};
pub use run::{Done, Outcome, run};
pub use sizes::{Sizes, sizes, warnings};
pub use stamp::{Stamp, is_fresh};
pub use step::Step;
pub use tell::tell;
pub use wasm_opt::{Optimizer, WasmOpt};
