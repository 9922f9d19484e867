//! How a message ended, and what it took.

use std::fmt;

/// Reject codes. Source: the interface specification, "Reject codes".
pub mod reject {
    /// It may work another time.
    pub const SYS_TRANSIENT: u32 = 2;
    /// A destination that does not exist.
    pub const DESTINATION_INVALID: u32 = 3;
    /// The canister rejected the message itself.
    pub const CANISTER_REJECT: u32 = 4;
    /// The canister could not answer: it trapped, did not reply, has no such method.
    pub const CANISTER_ERROR: u32 = 5;
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ended well, and nobody waits for a reply: installs, timers, heartbeats.
    Done,
    /// It replied with these bytes.
    Reply(Vec<u8>),
    /// It was rejected, by the canister or by the host.
    Reject {
        /// One of [`reject`].
        code: u32,
        /// Why.
        message: String,
    },
}

/// A message that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// What the canister printed by `ic0.debug_print`, callbacks and what trapped included.
    pub debug: Vec<String>,
    /// wasmtime's fuel, about one for each instruction. It is not the Internet Computer's measure,
    /// which weighs instructions.
    pub fuel: u64,
    /// Pages of 64 KiB of the heap afterwards.
    pub heap_pages: u64,
    /// Pages of 64 KiB of the stable memory afterwards.
    pub stable_pages: u64,
}

impl Outcome {
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Reject { code: reject::CANISTER_ERROR, message: message.into() }
    }

    /// Whether it was not rejected.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !matches!(self, Self::Reject { .. })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Reply(bytes) => write!(f, "a reply of {} bytes", bytes.len()),
            Self::Reject { code, message } => {
                let name = match *code {
                    reject::DESTINATION_INVALID => " (DESTINATION_INVALID)",
                    reject::CANISTER_REJECT => " (CANISTER_REJECT)",
                    reject::CANISTER_ERROR => " (CANISTER_ERROR)",
                    _ => "",
                };
                write!(f, "reject code {code}{name}: {message}")
            }
        }
    }
}
