//! Tests `examples/canister` on PocketIC.
//!
//! Run `cargo test --manifest-path tests/pocket-ic/Cargo.toml -- --ignored`. Set `POCKET_IC_BIN` to
//! the server's path, and set the `PYWASM_CANISTER*` variables in the same way as `cargo xtask
//! canister` does.

#[path = "../../tests/canister/behaviour.rs"]
mod behaviour;
#[path = "../../tests/canister/replica.rs"]
mod replica;

use pocket_ic::{PocketIc, RejectResponse, Time};

use candid::Principal;
use replica::Replica;

/// A canister on a PocketIC server.
struct Pocket {
    network: PocketIc,
    canister: Principal,
}

impl Pocket {
    fn new() -> Self {
        let network = PocketIc::new();
        let canister = network.create_canister();
        network.add_cycles(canister, 100_000_000_000_000);
        Self { network, canister }
    }
}

fn message(reject: RejectResponse) -> String {
    reject.reject_message
}

impl Replica for Pocket {
    fn install(&mut self, module: &[u8], argument: &[u8]) -> Result<(), String> {
        let (module, argument) = (module.to_vec(), argument.to_vec());
        self.network.reinstall_canister(self.canister, module, argument, None).map_err(message)
    }

    fn upgrade(&mut self, module: &[u8], argument: &[u8]) -> Result<(), String> {
        let (module, argument) = (module.to_vec(), argument.to_vec());
        self.network.upgrade_canister(self.canister, module, argument, None).map_err(message)
    }

    fn update(&mut self, method: &str, argument: &[u8]) -> Result<Vec<u8>, String> {
        let caller = Principal::anonymous();
        self.network.update_call(self.canister, caller, method, argument.to_vec()).map_err(message)
    }

    fn query(&mut self, method: &str, argument: &[u8]) -> Result<Vec<u8>, String> {
        let caller = Principal::anonymous();
        self.network.query_call(self.canister, caller, method, argument.to_vec()).map_err(message)
    }

    fn set_time(&mut self, seconds: u64) {
        self.network.set_certified_time(Time::from_nanos_since_unix_epoch(seconds * 1_000_000_000));
    }
}

fn replica() -> Pocket {
    Pocket::new()
}
