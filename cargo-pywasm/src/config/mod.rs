//! The settings of a run: flags over environment variables over `[package.metadata.pywasm]` over
//! defaults.
//!
//! Cargo's manifests are read by one call of `cargo metadata`, which [`Workspace`] keeps. Nothing
//! else in the tool reads the table, and nothing searches the text of a Cargo.toml.

mod package;
mod recipe;
mod selection;
mod table;
#[cfg(test)]
mod tests;
mod workspace;

pub use package::{ManifestDigest, PackageSettings};
pub use recipe::load_recipe;
pub use selection::{Selection, Settings};
pub use table::{SourcePackage, Stdlib};
pub use workspace::{Project, Workspace};
