//! A crate that embeds Python, and its link to an installation.
//!
//! Files that the user commits are the same on every machine. What differs between machines (the
//! installation, the Rust toolchain, the resolved settings) is in `.pywasm/`, which Git ignores.

#[cfg(feature = "runtime")]
mod artifacts;
mod built;
#[cfg(feature = "runtime")]
mod cargo;
#[cfg(feature = "runtime")]
mod cargo_config;
#[cfg(feature = "runtime")]
mod frozen;
#[cfg(feature = "runtime")]
mod helper;
#[cfg(feature = "runtime")]
mod init;
#[cfg(feature = "runtime")]
mod interpreter_files;
mod linked;
#[cfg(feature = "runtime")]
mod local;
#[cfg(feature = "runtime")]
mod manifest;
#[cfg(feature = "runtime")]
mod prepare;
#[cfg(feature = "runtime")]
mod pyo3;
#[cfg(feature = "runtime")]
mod python_packages;
#[cfg(feature = "runtime")]
mod rust;
#[cfg(feature = "runtime")]
mod site_packages;
#[cfg(feature = "runtime")]
mod stdlib;
#[cfg(feature = "runtime")]
mod template;

#[cfg(feature = "runtime")]
pub use artifacts::Artifact;
pub(crate) use built::built_modules;
#[cfg(feature = "runtime")]
pub use cargo::{Call, Line};
#[cfg(feature = "runtime")]
pub(crate) use frozen::{frozen, wheels};
#[cfg(feature = "runtime")]
pub use init::init;
#[cfg(feature = "runtime")]
pub(crate) use interpreter_files::interpreter_files;
pub use linked::{DIRECTORY, Linked};
#[cfg(feature = "runtime")]
pub(crate) use prepare::fits_the_policy;
#[cfg(feature = "runtime")]
pub use prepare::{connect, prepare};
#[cfg(feature = "runtime")]
pub(crate) use python_packages::{located, lock, provide};
#[cfg(feature = "runtime")]
pub(crate) use site_packages::{packages, site_packages};
#[cfg(feature = "runtime")]
pub(crate) use stdlib::{stdlib, stdlib_of};
#[cfg(feature = "runtime")]
pub use template::Template;
