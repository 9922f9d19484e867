//! Links a CPython for wasm32-wasip1 that `cargo pywasm install` made into a Rust crate.
//!
//! ```no_run
//! // All of a build.rs.
//! pywasm_build::link();
//! ```
//!
//! With what is wanted said, and C code of your own compiled by the same toolchain:
//!
//! ```no_run
//! if let Some(python) = pywasm_build::Build::new().python("3.13").recipe("full").link() {
//!     python.cc().file("src/glue.c").compile("glue");
//! }
//! ```
//!
//! For another target than wasm32-wasip1, and on docs.rs, `link` does nothing. It must be called
//! from the build script of the crate that becomes the module: Cargo hands linker arguments of a
//! dependency's build script to nobody. `docs/guide/embedding.md` shows all of it.
//!
//! This crate is compiled into build scripts: it has no network, no proc macro and few
//! dependencies, and it never builds CPython.

mod directive;
mod error;
mod find;
mod freeze;
mod installation;
mod libc;
mod link;
mod project;
#[cfg(feature = "source")]
pub mod source;
mod store;
mod wasm;

pub use directive::Directive;
pub use error::Error;
pub use installation::{Installation, EXIT_OBJECT, FROZEN_LIBRARY, LIBC_DIR, TARGET, ZIP_DIR};
pub use libc::{Libc, Stamp};
pub use link::{link, Build, Linked, Variables, LINK_MAPS};
pub use store::{installations, installs_dir};

/// The examples of the guide, which are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/installation.md")]
struct Guide;

/// As above.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/embedding.md")]
struct Embedding;
