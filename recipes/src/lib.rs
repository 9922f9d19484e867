//! What can be built and from what, as data: recipes, pins of upstream files,
//! configure answers and known test exclusions, with their Rust types.
//!
//! This crate never touches the network, the disk or the environment: everything
//! it knows is compiled in from the files beside it.

mod binaryen;
mod build;
mod digest;
mod exclusions;
mod feature;
mod import;
mod modules;
mod pins;
mod recipe;
mod seeds;
mod training;
mod version;

pub use binaryen::{BinaryenPin, binaryen_pin};
pub use build::{Build, OptLevel, Profile};
pub use digest::{Digest, DigestError};
pub use exclusions::{Exclusion, exclusions};
pub use feature::Feature;
pub use import::Import;
pub use modules::{is_known_module, known_modules};
pub use pins::{
    Artifact, CpythonPin, HostPlatform, PinError, SdkPin, SdkStatus, cpython_pins, sdk_pins,
};
pub use recipe::{Modules, Optimize, Recipe, RecipeError, Stdlib, builtin, builtin_names};
pub use seeds::{Seed, seeds};
pub use training::TRAINING_CLANG;
pub use version::{MinorVersion, PatchVersion, PythonRequest, VersionError};
