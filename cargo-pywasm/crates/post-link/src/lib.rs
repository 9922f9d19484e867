//! Plans and runs the steps that make a linked wasm module ready for its host.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! A [`Plan`] turns a module into an [`Outcome`]. [`Files`] writes outcomes once all steps on all
//! modules have succeeded. The input module is never changed, and a failed step changes no output.
//! This crate uses the network only in [`Plan::fetch_optimizer`], where `pywasm-toolchain` fetches
//! `wasm-opt`.

mod files;
mod gzip;
mod plan;
mod report;
mod run;
mod sizes;
mod snapshotting;
mod stamp;
mod step;
mod wasm_opt;

pub use files::Files;
pub use gzip::gzip;
pub use plan::{Initialization, Plan, Request, Surroundings};
pub use report::report;
pub use run::{Done, Outcome, run};
pub use sizes::{Sizes, sizes, warnings};
pub use stamp::{Stamp, is_fresh};
pub use step::Step;
pub use wasm_opt::{Optimizer, WasmOpt};
