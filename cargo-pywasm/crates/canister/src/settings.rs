//! The environment of a canister, and the limits of its messages.

use candid::Principal;

/// The environment of a canister.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The canister's principal.
    pub id: Principal,
    /// The canister's controllers.
    pub controllers: Vec<Principal>,
    /// The current time, in nanoseconds since 1970.
    pub time: u64,
    /// The seed for the replies of `raw_rand`.
    pub seed: [u8; 32],
    /// The canister's initial cycle balance.
    pub cycles: u128,
    /// The limits of a message.
    pub limits: Limits,
}

/// The limits on a message. Fuel is counted by wasmtime, at about one unit per instruction.
///
/// Sources: dfinity/ic, rs/config/src/subnet_config.rs (whose instruction limits are used as fuel
/// limits), and "Resource limits" in the Internet Computer documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The fuel limit for an installation or a whole upgrade.
    pub install_fuel: u64,
    /// The fuel limit for an update, a timer, a heartbeat or a callback.
    pub update_fuel: u64,
    /// The fuel limit for a query.
    pub query_fuel: u64,
    /// The fuel limit for `canister_inspect_message`.
    pub inspect_fuel: u64,
    /// The maximum size of the heap in bytes.
    pub heap: u64,
    /// The maximum size of the stable memory in pages of 64 KiB.
    pub stable_pages: u64,
    /// The maximum size of an argument in bytes.
    pub argument: usize,
}

/// The default cycle balance: 100 trillion.
const CYCLES: u128 = 100_000_000_000_000;

/// The principal of the first canister in a local network.
const ID: &[u8] = &[0x80, 0, 0, 0, 0, 0x10, 0, 1, 1, 1];

impl Default for Settings {
    fn default() -> Self {
        Self {
            id: Principal::from_slice(ID),
            controllers: vec![Principal::anonymous()],
            time: 0,
            seed: [0; 32],
            cycles: CYCLES,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            install_fuel: 300_000_000_000,
            update_fuel: 40_000_000_000,
            query_fuel: 5_000_000_000,
            inspect_fuel: 200_000_000,
            heap: 4 << 30,
            stable_pages: 500 << 14,
            argument: 2 << 20,
        }
    }
}
