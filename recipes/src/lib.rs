//! The data that cargo-pywasm builds CPython from, and Rust types for it: recipes, pinned upstream
//! files, recorded results of CPython's configure script, and tests that cannot pass on WASI.
//!
//! All data is compiled in, so this crate does not use the network, the file system or the
//! environment.
//!
//! This is an internal crate of cargo-pywasm. The format of recipe files is stable within a
//! `schema`, but the Rust API does not follow semver.

mod additions;
mod binaryen;
mod build;
mod digest;
mod exclude;
mod exclusions;
mod feature;
mod host_stack;
mod import;
mod library;
mod modules;
mod patches;
mod pins;
mod recipe;
mod seeds;
mod signer;
mod training;
mod uv;
mod version;

pub use additions::{additions, changes, quoted, unavailable};
pub use binaryen::{BinaryenPin, binaryen_pin};
pub use build::{Build, OptLevel, Profile};
pub use digest::{Digest, ParseDigestError};
pub use exclude::{Exclude, is_excluded};
pub use exclusions::{Exclusion, exclusions};
pub use feature::Feature;
pub use host_stack::{HostStack, HostStackError};
pub use import::Import;
pub use library::{CratePin, Library, libraries};
pub use modules::{is_known_module, known_modules};
pub use patches::patch;
pub use pins::{
    Artifact, CpythonPin, HostPlatform, PinError, SdkPin, SdkStatus, cpython_pins, sdk_pins,
};
pub use recipe::{
    LibraryChoice, Modules, Optimize, Recipe, RecipeError, Stdlib, builtin, builtin_names,
};
pub use seeds::{Seed, seeds};
pub use signer::Signer;
pub use training::TRAINING_CLANG;
pub use uv::{PinnedWheel, UvPin, uv_pin};
pub use version::{MinorVersion, ParseVersionError, PatchVersion, PythonRequest};
