//! A host on which the tests run a canister.

/// A host with one canister. If a call is rejected or traps, the error contains the reject or trap
/// message.
pub(crate) trait Replica {
    /// Installs a wasm module into the empty canister.
    ///
    /// # Errors
    /// If the module is refused, or its `canister_init` traps.
    fn install(&mut self, module: &[u8], argument: &[u8]) -> Result<(), String>;
    /// Replaces the wasm module and keeps stable memory.
    ///
    /// # Errors
    /// If the module is refused, or an upgrade hook traps.
    fn upgrade(&mut self, module: &[u8], argument: &[u8]) -> Result<(), String>;
    /// Sends an update and returns the reply.
    ///
    /// # Errors
    /// If the update is rejected.
    fn update(&mut self, method: &str, argument: &[u8]) -> Result<Vec<u8>, String>;
    /// Sends a query and returns the reply.
    ///
    /// # Errors
    /// If the query is rejected.
    fn query(&mut self, method: &str, argument: &[u8]) -> Result<Vec<u8>, String>;
    /// Sets the clock, in seconds since 1970.
    fn set_time(&mut self, seconds: u64);
}
