//! The functions of WASI that the host of an initialization calls itself, to record the files that
//! the initialization leaves open. They would be lost in a snapshot.

use pywasm_runtime::ValType::{I32, I64};
use pywasm_runtime::WasiFunction;

pub(super) const WASI: &str = "wasi_snapshot_preview1";
pub(super) const OPEN: &str = "path_open";
pub(super) const STAT: &str = "fd_fdstat_get";

/// The functions. Source of the types: WASI preview 1.
pub(super) const FUNCTIONS: [WasiFunction; 2] =
    [(OPEN, &[I32, I32, I32, I32, I32, I64, I64, I32, I32]), (STAT, &[I32, I32])];

/// The size of the result of `fd_fdstat_get`.
pub(super) const STAT_SIZE: usize = 24;
