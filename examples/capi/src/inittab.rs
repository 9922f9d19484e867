//! CPython's table of built-in modules, to which native ones are added before Python starts.
//!
//! The table outlives an interpreter: a module that was added once is known to all that are started
//! later. Nothing is ever taken out of it, and no module in it is replaced.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};

use crate::ffi;
use crate::interpreter::StartError;
use crate::module::{Definition, Module, init};

/// The addresses of the descriptions of all that this crate has added.
static ADDED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// A module that is to be in the table.
#[derive(Debug)]
pub(crate) struct Entry {
    name: &'static CStr,
    init: ffi::InitFunction,
    /// What tells modules apart: a function may have several addresses, a static has one.
    definition: fn() -> &'static Definition,
}

impl Entry {
    pub(crate) fn of<M: Module>() -> Self {
        Self { name: M::NAME, init: init::<M>, definition: M::definition }
    }

    /// Adds the module, if it is not in the table yet.
    ///
    /// # Errors
    ///
    /// When another module has the name, or memory runs out.
    ///
    /// # Safety
    ///
    /// Python does not run, and is not started by another thread meanwhile.
    pub(crate) unsafe fn add(&self) -> Result<(), StartError> {
        let address = (&raw const *(self.definition)()).addr();
        let mut added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
        if added.contains(&address) {
            return Ok(());
        }
        // SAFETY: nobody changes the table meanwhile, as the caller promises.
        if unsafe { is_taken(self.name) } {
            return Err(StartError::NameTaken(self.name));
        }
        // SAFETY: Python does not run, which AppendInittab insists on. The name is static and the
        // function is a `PyInit_NAME` for it; CPython keeps both for good.
        if unsafe { ffi::PyImport_AppendInittab(self.name.as_ptr(), self.init) } != 0 {
            return Err(StartError::Memory);
        }
        added.push(address);
        Ok(())
    }
}

/// # Safety
///
/// Nobody changes the table meanwhile.
unsafe fn is_taken(name: &CStr) -> bool {
    // SAFETY: set from the beginning, and changed by AppendInittab alone.
    let mut entry = unsafe { ffi::PyImport_Inittab };
    loop {
        // SAFETY: an entry of the table, which ends with one that has no name; names are
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
        // SAFETY: this entry has a name, so it is not the last.
        entry = unsafe { entry.add(1) };
    }
}
