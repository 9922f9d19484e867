//! The tool's own host.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use pywasm_canister::{Canister, Host, Module, Outcome, Principal, Run, Settings};

use super::replica::Replica;

/// The tool's own host.
#[derive(Debug)]
pub(crate) struct Local {
    canister: Canister,
    last: Option<Run>,
}

impl Local {
    /// Creates an empty canister.
    pub(crate) fn new() -> Self {
        Self { canister: Canister::new(Settings::default()), last: None }
    }

    /// Returns the output of the last message.
    pub(crate) fn printed(&self) -> Vec<String> {
        self.last.as_ref().map(|run| run.debug.clone()).unwrap_or_default()
    }

    /// Returns the wasm fuel that the last message consumed.
    pub(crate) fn fuel(&self) -> u64 {
        self.last.as_ref().map(|run| run.fuel).unwrap_or_default()
    }

    fn ended(&mut self, run: anyhow::Result<Run>) -> Result<Vec<u8>, String> {
        let run = run.map_err(|error| format!("{error:#}"))?;
        let outcome = run.outcome.clone();
        self.last = Some(run);
        match outcome {
            Outcome::Done => Ok(Vec::new()),
            Outcome::Reply(bytes) => Ok(bytes),
            Outcome::Reject { message, .. } => Err(message),
        }
    }
}

/// Compiles a wasm module, once for all tests in the process.
///
/// # Errors
/// If the module is not a canister.
///
/// # Panics
/// If the wasm engine cannot be created.
pub(crate) fn compiled(module: &[u8]) -> Result<Module, String> {
    static HOST: LazyLock<Host> = LazyLock::new(|| Host::without_cache().expect("an engine"));
    static ALL: LazyLock<Mutex<HashMap<Vec<u8>, Module>>> = LazyLock::new(Mutex::default);
    let mut all = ALL.lock().expect("no panic while compiling");
    if let Some(known) = all.get(module) {
        return Ok(known.clone());
    }
    let compiled = HOST.module(module).map_err(|error| format!("{error:#}"))?;
    all.insert(module.to_vec(), compiled.clone());
    Ok(compiled)
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Replica for Local {
    fn install(&mut self, module: &[u8], argument: &[u8]) -> Result<(), String> {
        let module = compiled(module)?;
        let run = self.canister.install(&module, argument, Principal::anonymous());
        self.ended(run).map(drop)
    }

    fn upgrade(&mut self, module: &[u8], argument: &[u8]) -> Result<(), String> {
        let module = compiled(module)?;
        let run = self.canister.upgrade(&module, argument, Principal::anonymous());
        self.ended(run).map(drop)
    }

    fn update(&mut self, method: &str, argument: &[u8]) -> Result<Vec<u8>, String> {
        let run = self.canister.update(method, argument, Principal::anonymous());
        self.ended(run)
    }

    fn query(&mut self, method: &str, argument: &[u8]) -> Result<Vec<u8>, String> {
        let run = self.canister.query(method, argument, Principal::anonymous());
        self.ended(run)
    }

    fn set_time(&mut self, seconds: u64) {
        let time = Duration::from_secs(seconds).as_nanos();
        let time = u64::try_from(time).expect("a time of this century");
        self.canister.set_time(time).expect("timers that end");
    }
}
