//! One file per subcommand: its arguments, and `run`.

#[cfg(feature = "runtime")]
pub mod build;
pub mod cache;
pub mod completions;
pub mod doctor;
pub mod env;
#[cfg(feature = "runtime")]
pub mod init;
#[cfg(feature = "runtime")]
pub mod install;
pub mod list;
pub mod man;
#[cfg(feature = "runtime")]
pub mod new;
pub mod recipe;
#[cfg(feature = "runtime")]
pub mod run;
#[cfg(feature = "runtime")]
pub mod run_wasm;
#[cfg(feature = "runtime")]
pub mod test;
pub mod toolchain;
pub mod uninstall;
#[cfg(feature = "runtime")]
pub mod verify;
