//! Builds CPython from its sources into a verified installation, and tests it.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! | module | purpose |
//! |---|---|
//! | [`build`] | CPython's own configure and make, run in a build directory |
//! | `guest` | C and Python sources that are compiled into every installation |
//! | [`freeze`] | Python code and files as data in an object file |
//! | `bytecode` | `.pyc` files of the standard library |
//! | `headers` | copies of C headers |
//! | `interpreter` | an interpreter in the embedded runtime |
//! | [`install`] | the plan of an installation, its files, manifest, SBOM and licences |
//! | [`libraries`] | the C libraries that extension modules need |
//! | [`smoke`] | the smoke test at the end of every installation |
//! | `tree` | the files below a directory |
//! | [`testsuite`] | CPython's own tests, run on an installation |
//!
//! This crate downloads files only through `pywasm-store`. It never reads the `Cargo.toml` of a
//! user's crate.

pub mod build;
mod bytecode;
pub mod freeze;
mod guest;
mod headers;
pub mod install;
mod interpreter;
pub mod libraries;
pub mod smoke;
pub mod testsuite;
mod tree;

pub use interpreter::interpreter;
