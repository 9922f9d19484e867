//! The store of the tool, and everything that fills it: downloads and unpacked archives.
//!
//! Internal to cargo-pywasm; this crate promises no semver.
//!
//! [`fetch`] is the only code that uses the network. A final path of the store appears only by the
//! rename of a [`Stage`], under a [`Lock`]. This crate knows nothing of toolchains or CPython.

#![doc(hidden)]

mod ctx;
pub mod fetch;
mod lock;
mod stage;
mod store;
pub mod unpack;

pub use ctx::Ctx;
pub use lock::{Lock, LockError};
pub use stage::{Stage, stage_file};
pub use store::{Bucket, Store, tree_size};
