//! The steps that make a linked module ready for its host: a plan, and its run.
//!
//! Internal to cargo-pywasm; this crate promises no semver.
//!
//! A [`Plan`] turns a module into an [`Outcome`]. [`Files`] writes outcomes once all steps on all
//! modules have succeeded. The input module is never changed, and no new file is left next to an
//! old one. This crate uses no network, except that [`Plan::fetch_optimizer`] has
//! `pywasm-toolchain` fetch `wasm-opt`.

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
pub use plan::{Asked, Initialization, Plan, Project};
pub use report::report;
pub use run::{Done, Outcome, run};
pub use sizes::{Sizes, sizes, warnings};
pub use stamp::{Stamp, is_fresh};
pub use step::Step;
pub use wasm_opt::{Optimizer, WasmOpt};
