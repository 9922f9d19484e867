//! CPython's table of built-in modules, to which native modules are added before Python starts.
//!
//! The table outlives the interpreter, so every later interpreter can import the added modules.
//! Entries are never removed or replaced.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};

use crate::ffi;
use crate::interpreter::StartError;
use crate::module::{Definition, Module, init};

/// The addresses of the definitions of all modules that this crate has added.
static ADDED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// A module to add to the table.
#[derive(Debug)]
pub(crate) struct Entry {
    name: &'static CStr,
    init: ffi::InitFunction,
    /// The module's definition. Its address identifies the module. The address of `init` cannot,
    /// because a function may have several addresses.
    definition: fn() -> &'static Definition,
}

impl Entry {
    pub(crate) fn of<M: Module>() -> Self {
        Self { name: M::NAME, init: init::<M>, definition: M::definition }
    }

    /// Adds the module unless it is already in the table.
    ///
    /// # Errors
    ///
    /// If another module has the same name, or memory runs out.
    ///
    /// # Safety
    ///
    /// Python must not be running, and no other thread may start Python during the call.
    pub(crate) unsafe fn add(&self) -> Result<(), StartError> {
        let address = (&raw const *(self.definition)()).addr();
        let mut added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
        if added.contains(&address) {
            return Ok(());
        }
        // SAFETY: the caller guarantees that nothing changes the table during the call.
        if unsafe { has_entry(self.name) } {
            return Err(StartError::NameTaken(self.name));
        }
        // SAFETY: Python is not running, as `PyImport_AppendInittab` requires. CPython keeps the
        // name and the function. The name is static, and the function is `PyInit_NAME` for that
        // name.
        if unsafe { ffi::PyImport_AppendInittab(self.name.as_ptr(), self.init) } != 0 {
            return Err(StartError::Memory);
        }
        added.push(address);
        Ok(())
    }
}

/// Returns true if the table has an entry for a module with this name.
///
/// # Safety
///
/// Nothing may change the table during the call.
unsafe fn has_entry(name: &CStr) -> bool {
    // SAFETY: the variable is initialized statically; only `PyImport_AppendInittab` changes it.
    let mut entry = unsafe { ffi::PyImport_Inittab };
    loop {
        // SAFETY: the entry is in the table, which ends with an entry without a name. Names are
        // NUL-terminated and live as long as the table.
        let other = unsafe {
            if (*entry).name.is_null() {
                return false;
            }
            CStr::from_ptr((*entry).name)
        };
        if other == name {
            return true;
        }
        // SAFETY: this entry has a name, so another entry follows.
        entry = unsafe { entry.add(1) };
    }
}
