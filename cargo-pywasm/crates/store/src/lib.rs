//! The tool's store on disk, and the code that fills it: downloads and unpacking of archives.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! [`fetch`] is the only code in the workspace that uses the network. An entry appears in the store
//! only when a complete file or [`Stage`] is renamed, so no entry is ever incomplete. Nothing in
//! this crate is specific to toolchains or CPython.

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
