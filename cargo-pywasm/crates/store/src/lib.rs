//! The store of the tool, and what fills it: downloads and unpacked archives.
//!
//! Internal to cargo-pywasm; this crate promises no semver.
//!
//! [`fetch`] is the only code of the workspace that uses the network. A path in the store appears
//! only when a [`Stage`] is renamed to it, under a [`Lock`]. This crate does not know toolchains
//! or CPython.

#![doc(hidden)]

mod ctx;
pub mod fetch;
mod lock;
mod stage;
mod store;
pub mod unpack;

pub use ctx::Ctx;
pub use lock::Lock;
pub use stage::{Stage, stage_file};
pub use store::{Bucket, Store, tree_size};
