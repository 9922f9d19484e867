//! The kinds of execution, and the `ic0` functions that each kind may call.

/// A kind of execution.
///
/// Source: the interface specification, "Overview of imports". The abbreviations in parentheses
/// come from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `canister_init` and `canister_post_upgrade` (I).
    Init,
    /// `canister_pre_upgrade` (G).
    PreUpgrade,
    /// An update (U).
    Update,
    /// A query that is run as an update (RQ).
    ReplicatedQuery,
    /// A query (NRQ).
    Query,
    /// A composite query (CQ).
    CompositeQuery,
    /// A callback for a reply (Ry).
    Reply,
    /// A callback for a reject (Rt).
    Reject,
    /// A callback for a reply, in a composite query (CRy).
    CompositeReply,
    /// A callback for a reject, in a composite query (CRt).
    CompositeReject,
    /// A cleanup after a callback that trapped (C).
    Cleanup,
    /// A cleanup in a composite query (CC).
    CompositeCleanup,
    /// `canister_inspect_message` (F).
    Inspect,
    /// `canister_heartbeat` and `canister_global_timer` (T).
    Task,
    /// The start function (s).
    Start,
}

/// A set of modes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modes(u16);

impl Mode {
    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// Returns the name of the mode, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "canister_init or canister_post_upgrade",
            Self::PreUpgrade => "canister_pre_upgrade",
            Self::Update => "an update",
            Self::ReplicatedQuery => "a query run as an update",
            Self::Query => "a query",
            Self::CompositeQuery => "a composite query",
            Self::Reply => "a reply callback",
            Self::Reject => "a reject callback",
            Self::CompositeReply => "a reply callback of a composite query",
            Self::CompositeReject => "a reject callback of a composite query",
            Self::Cleanup => "a cleanup callback",
            Self::CompositeCleanup => "a cleanup callback of a composite query",
            Self::Inspect => "canister_inspect_message",
            Self::Task => "a heartbeat or timer",
            Self::Start => "the start function",
        }
    }

    /// Returns true if every node of a subnet would run an execution in this mode.
    pub(super) fn is_replicated(self) -> bool {
        !matches!(
            self,
            Self::Query
                | Self::CompositeQuery
                | Self::CompositeReply
                | Self::CompositeReject
                | Self::CompositeCleanup
                | Self::Inspect
        )
    }

    /// Returns true if the changes made by an execution in this mode are dropped.
    pub(super) fn drops_changes(self) -> bool {
        matches!(self, Self::Query | Self::CompositeQuery | Self::ReplicatedQuery | Self::Inspect)
    }

    /// Returns the maximum size of a reply in bytes: 3 MiB for a query, otherwise 2 MiB. Source:
    /// "Resource limits" in the Internet Computer documentation.
    pub(super) fn max_reply(self) -> usize {
        let is_query = matches!(
            self,
            Self::Query | Self::CompositeQuery | Self::CompositeReply | Self::CompositeReject
        );
        if is_query { 3 << 20 } else { 2 << 20 }
    }
}

impl Modes {
    pub(super) const fn of(modes: &[Mode]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < modes.len() {
            bits |= modes[at].bit();
            at += 1;
        }
        Self(bits)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn contains(self, mode: Mode) -> bool {
        self.0 & mode.bit() != 0
    }
}

/// The sets of modes. Each is named after the `ic0` functions that its modes may call.
pub(super) mod sets {
    use super::Mode::{
        Cleanup, CompositeCleanup, CompositeQuery, CompositeReject, CompositeReply, Init, Inspect,
        PreUpgrade, Query, Reject, ReplicatedQuery, Reply, Start, Task, Update,
    };
    use super::Modes;

    /// All modes: I G U RQ NRQ CQ Ry Rt CRy CRt C CC F T s.
    pub(crate) const ALWAYS: Modes = ANY.or(Modes::of(&[Start]));
    /// All modes except the start function.
    pub(crate) const ANY: Modes = CALLER_INFO.or(Modes::of(&[Init, PreUpgrade, Task]));
    pub(crate) const ARGUMENT: Modes = Modes::of(&[
        Init,
        Update,
        ReplicatedQuery,
        Query,
        CompositeQuery,
        Reply,
        CompositeReply,
        Inspect,
    ]);
    pub(crate) const CALLER_INFO: Modes =
        ANSWER.or(Modes::of(&[Cleanup, CompositeCleanup, Inspect]));
    pub(crate) const REJECT_CODE: Modes = CALLBACK.or(Modes::of(&[Cleanup]));
    pub(crate) const REJECT_MESSAGE: Modes = Modes::of(&[Reject, CompositeReject]);
    /// The modes that may reply. These modes may also read the deadline.
    pub(crate) const ANSWER: Modes =
        CALLBACK.or(Modes::of(&[Update, ReplicatedQuery, Query, CompositeQuery]));
    pub(crate) const CYCLES_IN: Modes = REFUND.or(Modes::of(&[Update, ReplicatedQuery]));
    pub(crate) const REFUND: Modes = Modes::of(&[Reply, Reject]);
    /// The modes that may burn cycles. These modes may also read the root key.
    pub(crate) const BURN: Modes = TIMER.or(Modes::of(&[ReplicatedQuery]));
    pub(crate) const INSPECT: Modes = Modes::of(&[Inspect]);
    pub(crate) const CALL: Modes = CALLBACK.or(Modes::of(&[Update, CompositeQuery, Task]));
    pub(crate) const CYCLES_OUT: Modes = REFUND.or(Modes::of(&[Update, Task]));
    pub(crate) const CERTIFY: Modes = REFUND.or(Modes::of(&[Init, PreUpgrade, Update, Task]));
    pub(crate) const CERTIFICATE: Modes = Modes::of(&[Query, CompositeQuery]);
    pub(crate) const TIMER: Modes = CERTIFY.or(Modes::of(&[Cleanup]));
    const CALLBACK: Modes = Modes::of(&[Reply, Reject, CompositeReply, CompositeReject]);
}
