//! `pylock.toml`: the exact packages that a project embeds, with the digests of their files.
//!
//! Source: PEP 751.

mod choose;
mod file;
mod marker;

pub use choose::{Chosen, Source};
pub use file::Lock;
pub(crate) use file::Origin;
pub(crate) use marker::environment;
