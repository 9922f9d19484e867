//! One file per subcommand: its arguments, and `run`.

pub mod cache;
pub mod completions;
pub mod doctor;
pub mod env;
#[cfg(feature = "runtime")]
pub mod install;
pub mod list;
pub mod man;
pub mod recipe;
#[cfg(feature = "runtime")]
pub mod run;
#[cfg(feature = "runtime")]
pub mod run_wasm;
pub mod toolchain;
pub mod uninstall;
#[cfg(feature = "runtime")]
pub mod verify;
