//! The canister as an `ic0` function sees it: its memory, and the system's data.

use wasmtime::Caller;

use super::system::{Call, System};

/// The reason why an `ic0` function ends the message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// The canister called `ic0.trap`.
    #[error("the canister trapped: {0}")]
    Trap(String),
    /// The call to the function was invalid.
    #[error("ic0.{0}: {1}")]
    Invalid(&'static str, String),
}

/// The result of an `ic0` function, or the reason why the call to it was invalid.
pub(super) type Answer<T = u64> = Result<T, String>;

/// The calling canister.
pub(super) struct Guest<'a, 'b> {
    caller: &'a mut Caller<'b, System>,
}

impl<'a, 'b> Guest<'a, 'b> {
    pub(super) fn new(caller: &'a mut Caller<'b, System>) -> Self {
        Self { caller }
    }

    pub(super) fn system(&mut self) -> &mut System {
        self.caller.data_mut()
    }

    /// Returns the fuel that this execution has used so far.
    pub(super) fn fuel_used(&mut self) -> u64 {
        let left = self.caller.get_fuel().unwrap_or(0);
        self.system().fuel.saturating_sub(left)
    }

    /// Returns a range of the memory.
    pub(super) fn bytes(&mut self, from: u64, len: u64) -> Answer<&[u8]> {
        let (memory, _) = self.memory(from, len)?;
        Ok(memory)
    }

    /// Returns a copy of a range of the memory.
    pub(super) fn read(&mut self, from: u64, len: u64) -> Answer<Vec<u8>> {
        Ok(self.bytes(from, len)?.to_vec())
    }

    /// Returns a range of the memory as text, with invalid UTF-8 replaced.
    pub(super) fn text(&mut self, from: u64, len: u64) -> Answer<String> {
        Ok(String::from_utf8_lossy(self.bytes(from, len)?).into_owned())
    }

    pub(super) fn write(&mut self, to: u64, bytes: &[u8]) -> Answer<()> {
        let (memory, _) = self.memory(to, bytes.len() as u64)?;
        memory.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a number of cycles as a 128-bit integer.
    pub(super) fn write_cycles(&mut self, to: u64, cycles: u128) -> Answer {
        self.write(to, &cycles.to_le_bytes()).map(|()| 0)
    }

    /// Implements the `…_copy` functions: copies `len` bytes of `source`, beginning at `offset`, to
    /// the address `to`.
    pub(super) fn copy(&mut self, to: u64, offset: u64, len: u64, source: &[u8]) -> Answer {
        let end = offset.checked_add(len).filter(|end| *end <= source.len() as u64);
        let part = end.and_then(|end| source.get(offset as usize..end as usize));
        let Some(part) = part else {
            return Err(format!(
                "{len} bytes at {offset} are out of bounds: the source has {} bytes",
                source.len()
            ));
        };
        self.write(to, part).map(|()| 0)
    }

    /// Copies bytes from the heap to the stable memory.
    pub(super) fn stable_write(&mut self, offset: u64, from: u64, len: u64) -> Answer {
        let (memory, system) = self.memory(from, len)?;
        system.durable.stable.write(offset, memory).map(|()| 0)
    }

    /// Copies bytes from the stable memory to the heap.
    pub(super) fn stable_read(&mut self, to: u64, offset: u64, len: u64) -> Answer {
        self.system().durable.stable.check(offset, len)?;
        let (memory, system) = self.memory(to, len)?;
        system.durable.stable.read(offset, memory).map(|()| 0)
    }

    /// Returns the call under construction.
    pub(super) fn call(&mut self) -> Answer<&mut Call> {
        self.system()
            .call
            .as_mut()
            .ok_or_else(|| "no call is under construction; call ic0.call_new first".to_owned())
    }

    fn memory(&mut self, from: u64, len: u64) -> Answer<(&mut [u8], &mut System)> {
        let Some(memory) = self.caller.data().memory else {
            return Err("the canister has no memory".to_owned());
        };
        let (data, system) = memory.data_and_store_mut(&mut *self.caller);
        let size = data.len();
        let end = from.checked_add(len).filter(|end| *end <= size as u64);
        let range = end.map(|end| from as usize..end as usize);
        let part = range.and_then(|range| data.get_mut(range));
        let part = part.ok_or_else(|| {
            format!("{len} bytes at {from} are out of bounds: the memory size is {size} bytes")
        })?;
        Ok((part, system))
    }
}
