//! Checks whether a host accepts a WebAssembly module, and whether a link would leave symbols
//! undefined. A policy describes the host. A finding describes one violation, its origin and its
//! cures.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! The crate reads the modules, archives, policies and baselines that its callers specify, and
//! writes baselines. It uses no network, does not use the store and prints nothing. Code is decoded
//! only to explain a finding, or when the policy restricts instructions, the size of functions or
//! the start function.

mod abi;
mod alone;
mod baseline;
mod callers;
mod check;
mod contributors;
mod figures;
mod finding;
mod input;
mod known;
mod link;
mod origin;
mod policy;
pub mod report;

pub use abi::component;
pub use alone::alone;
pub use baseline::Baseline;
pub use check::{Given, module};
pub use figures::{Figure, figures};
pub use finding::{Code, Finding};
pub use input::{Content, Input};
pub use link::link;
pub use origin::{Caller, Calls, Origin};
pub use policy::{DEFAULT, FunctionType, Host, Limited, Policy};
