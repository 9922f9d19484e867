//! CPython's own build, driven: configure, make, freeze, sysconfig.
//!
//! What CPython's `Tools/wasm/wasi.py` (3.13, 3.14) does is done here with fewer
//! steps: the frozen modules are made by CPython's C freezer, compiled for wasm and
//! run in the embedded runtime, so that no Python for the build machine is needed.
//! `docs/architecture.md` tells why. Nothing here knows the network or the
//! installation's layout: a build directory goes in, a built one comes out.

mod build;
mod configure;
mod environment;
mod freeze;
mod inventory;
mod make;
mod optimize;
mod reuse;
mod setup_local;
mod source;
mod split;
mod step;
mod stubs;
mod sysconfig;

pub use build::{BuildPlan, BuildPython, Built, build};
pub(crate) use configure::PREFIX;
pub use inventory::{Inventory, LeftOut};
pub use source::{SourceTree, ensure_source, place as source_place};
pub use step::{Logs, Step, StepError};
pub(crate) use stubs::emulated;
