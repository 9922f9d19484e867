//! Links a CPython for wasm32-wasip1, installed by `cargo pywasm install`, into a Rust crate.
//!
//! ```no_run
//! // The whole build.rs.
//! pywasm_build::link();
//! ```
//!
//! [`Build`] selects a version and a recipe, and changes how Python is linked:
//!
//! ```no_run
//! pywasm_build::Build::new().python("3.13").recipe("full").stack_size(32 << 20).link();
//! ```
//!
//! With the feature `cc`, the toolchain that built Python can also compile C code of your crate
//! with Python's headers:
//!
//! ```no_run
//! # #[cfg(feature = "cc")]
//! if let Some(python) = pywasm_build::link() {
//!     python.cc().file("src/glue.c").compile("glue");
//! }
//! ```
//!
//! [`link`] does nothing for targets without WASI, and nothing on docs.rs. Call it from
//! the build script of the crate that becomes the wasm module: Cargo ignores linker arguments from
//! the build scripts of dependencies. The [guide] describes the whole setup.
//!
//! # What it reads
//!
//! `cargo pywasm` reads the tables `[package.metadata.pywasm]` of the crate and
//! `[workspace.metadata.pywasm]` of its workspace, and writes the resolved settings to
//! `.pywasm/project.json`. This crate reads that file. It runs `cargo pywasm` only if the file is
//! missing, if a Cargo.toml has changed since, or if Python code has to be frozen.
//!
//! Build scripts should compile fast, so this crate has only one small dependency by default. It
//! never uses the network and never builds CPython.
//!
//! [guide]: https://github.com/cargo-pywasm/cargo-pywasm/blob/main/docs/guide/embedding.md

mod builder;
mod directive;
mod error;
mod fingerprint;
mod frozen;
mod host_stack;
mod installation;
mod json;
mod libc;
mod link;
mod project;
mod request;
#[cfg(feature = "source")]
#[doc(hidden)]
pub mod source;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod tool;
mod wasm;

pub use builder::{link, Build, Variables};
pub use directive::Directive;
pub use error::Error;
#[doc(hidden)]
pub use fingerprint::fingerprint;
pub use installation::{Installation, EXIT_OBJECT, FROZEN_LIBRARY, LIBC_DIR, TARGET, ZIP_DIR};
pub use libc::Libc;
pub use link::{Linked, LINK_MAPS};
#[doc(hidden)]
pub use project::{PROJECT_FILE, PROJECT_VERSION};
pub use store::{installations, installs_dir};

/// Compiles the guide's examples as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/installation.md")]
struct InstallationGuide;

/// Compiles the guide's examples as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/embedding.md")]
struct EmbeddingGuide;

/// Compiles the README's examples as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
