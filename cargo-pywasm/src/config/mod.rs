//! The settings of a run. A command-line flag takes precedence over an environment variable, the
//! variable over `[package.metadata.pywasm]`, and that table over the default.
//!
//! [`Workspace`] calls `cargo metadata` at most once and keeps the result. No other part of the
//! tool reads `[package.metadata.pywasm]`. A Cargo.toml is always parsed, never searched as text.

mod cargo_args;
mod package;
mod recipe;
mod selection;
mod table;
#[cfg(test)]
mod tests;
mod workspace;

pub use cargo_args::CargoArgs;
pub use package::{ManifestDigest, PackageSettings};
pub use recipe::load_recipe;
pub use selection::{Selection, Settings};
pub use table::{Required, SourcePackage, Stdlib};
pub use workspace::{Project, Pyo3, Workspace};
