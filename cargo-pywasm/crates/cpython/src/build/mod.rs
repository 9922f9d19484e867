//! Drives CPython's own build: configure, make, freeze, sysconfig.
//!
//! Replaces CPython's `Tools/wasm/wasi.py` (3.13, 3.14) and needs no native Python: CPython's C
//! freezer is compiled to wasm and generates the frozen modules in the embedded runtime
//! (`docs/decisions` explains why). Nothing here uses the network or depends on the layout of an
//! installation. The result is a build directory.

mod configure;
mod environment;
mod freeze;
mod inventory;
mod libraries;
mod make;
mod optimize;
mod reuse;
mod run;
mod setup_local;
mod source;
mod split;
mod step;
mod stubs;
mod sysconfig;

pub(crate) use configure::PREFIX;
pub(crate) use environment::{
    CompilerCache, base as base_environment, compiler_cache, make_program,
};
pub use inventory::{Inventory, LeftOut};
pub(crate) use run::is_usable_by_make;
pub use run::{BuildPlan, BuildPython, Built, build};
pub use source::{Origin, SourceTree, ensure_source, place as source_place};
pub use step::{Logs, Step, StepError};
pub(crate) use stubs::emulated;
