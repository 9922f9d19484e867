//! The subcommands. Each module contains the arguments of a subcommand, `Args`, and its function
//! `run`.

#[cfg(feature = "runtime")]
pub mod add;
pub mod audit_imports;
#[cfg(feature = "runtime")]
pub mod build;
pub mod cache;
#[cfg(feature = "canister")]
pub mod candid;
#[cfg(feature = "canister")]
pub mod canister;
pub mod completions;
pub mod doctor;
pub mod emit_stubs;
pub mod env;
#[cfg(feature = "runtime")]
pub mod freeze;
#[cfg(feature = "runtime")]
pub mod init;
#[cfg(feature = "runtime")]
pub mod install;
pub mod list;
#[cfg(feature = "runtime")]
pub mod lock;
pub mod man;
#[cfg(feature = "runtime")]
pub mod new;
pub mod post_link;
pub mod project;
pub mod recipe;
pub mod rewire;
#[cfg(feature = "runtime")]
pub mod run;
#[cfg(feature = "runtime")]
pub mod run_wasm;
pub mod size;
#[cfg(feature = "runtime")]
pub mod snapshot;
#[cfg(feature = "runtime")]
pub mod test;
pub mod toolchain;
#[cfg(feature = "runtime")]
pub mod tree;
pub mod uninstall;
#[cfg(feature = "runtime")]
pub mod verify;
#[cfg(not(feature = "canister"))]
pub mod without_canister;

#[cfg(not(feature = "canister"))]
pub use without_canister::{self as candid, self as canister};
