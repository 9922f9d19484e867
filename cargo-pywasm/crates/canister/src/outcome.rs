//! The outcomes of messages, and the resources that messages use.

use std::fmt;

/// Reject codes. Source: the interface specification, "Reject codes".
pub mod reject {
    /// A retry may succeed.
    pub const SYS_TRANSIENT: u32 = 2;
    /// The destination does not exist.
    pub const DESTINATION_INVALID: u32 = 3;
    /// The canister itself rejected the message.
    pub const CANISTER_REJECT: u32 = 4;
    /// The canister trapped, did not reply, or has no such method.
    pub const CANISTER_ERROR: u32 = 5;
}

/// The outcome of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The message succeeded and is of a kind that has no reply, such as an install, a timer or a
    /// heartbeat.
    Done,
    /// The canister replied with these bytes.
    Reply(Vec<u8>),
    /// The canister or the host rejected the message.
    Reject {
        /// One of the codes in [`reject`].
        code: u32,
        /// The reason.
        message: String,
    },
}

/// The outcome of a message, its output, and the resources it used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The outcome.
    pub outcome: Outcome,
    /// The output of `ic0.debug_print`, including that of callbacks and trapped executions.
    pub debug: Vec<String>,
    /// The fuel used, as counted by wasmtime: about one unit per instruction. The Internet Computer
    /// counts weighted instructions, so its numbers differ.
    pub fuel: u64,
    /// The size of the heap after the message, in pages of 64 KiB.
    pub heap_pages: u64,
    /// The size of the stable memory after the message, in pages of 64 KiB.
    pub stable_pages: u64,
}

impl Outcome {
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Reject { code: reject::CANISTER_ERROR, message: message.into() }
    }

    /// Returns true if the message was not rejected.
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
