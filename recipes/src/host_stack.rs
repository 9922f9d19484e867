//! The size of a host's stack.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The size of the stack that a host has for the calls of a wasm module, in bytes. The default is
/// that of wasmtime (`Config::max_wasm_stack`), 512 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct HostStack(u32);

/// The smallest stack in which Python can start and run programs.
const MINIMUM: u32 = 256 << 10;

/// A stack is too small for Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Python needs a host's stack of at least {MINIMUM} bytes, not {0}")]
pub struct HostStackError(u32);

impl HostStack {
    /// Returns the size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

impl Default for HostStack {
    fn default() -> Self {
        Self(512 << 10)
    }
}

impl TryFrom<u32> for HostStack {
    type Error = HostStackError;

    fn try_from(bytes: u32) -> Result<Self, HostStackError> {
        if bytes < MINIMUM { Err(HostStackError(bytes)) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for HostStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
