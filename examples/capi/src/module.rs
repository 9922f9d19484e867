//! Native modules: functions written in Rust that Python imports.
//!
//! A module is initialized in two phases ([PEP 489](https://peps.python.org/pep-0489/)), so that it
//! can be imported again after it has been removed from `sys.modules`.
//!
//! An `Err` becomes a Python exception. A panic in an `extern "C"` function aborts. In wasm, this
//! traps the whole wasm module, so functions must not panic.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_int, c_void};
use std::{ptr, slice};

use crate::error::{Error, Kind, Result};
use crate::ffi::{self, PyObject};
use crate::interpreter::Python;
use crate::object::Object;

/// A function in a native module.
pub trait Function: 'static {
    /// The name of the function in its module.
    const NAME: &'static CStr;
    /// The function's docstring. If the first line is `name(text, /)` and the second is `--`,
    /// `help` and `inspect` show the signature.
    const DOC: &'static CStr;

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// Returns the exception that the function raises.
    fn call<'py>(py: Python<'py>, arguments: Arguments<'_, 'py>) -> Result<'py, Object<'py>>;
}

/// A native module.
pub trait Module: 'static {
    /// The name by which Python imports the module.
    const NAME: &'static CStr;
    /// The module's docstring.
    const DOC: &'static CStr;
    /// The functions, and [`Method::END`] as the last entry.
    const METHODS: &'static [Method];

    /// Returns the static definition of this module, which CPython modifies:
    ///
    /// ```ignore
    /// static DEFINITION: Definition = Definition::of::<Tariff>();
    /// &DEFINITION
    /// ```
    fn definition() -> &'static Definition;

    /// Adds attributes other than functions to the module. Called each time the module is created.
    ///
    /// # Errors
    ///
    /// Returns the exception that the import raises.
    fn fill<'py>(module: &Object<'py>) -> Result<'py, ()> {
        let _ = module;
        Ok(())
    }
}

/// The positional arguments of a call, borrowed from the caller.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a, 'py> {
    py: Python<'py>,
    name: &'static CStr,
    values: &'a [Object<'py>],
}

impl<'a, 'py> Arguments<'a, 'py> {
    /// Returns all arguments.
    #[must_use]
    pub fn all(&self) -> &'a [Object<'py>] {
        self.values
    }

    /// Returns the arguments if there are exactly `N`.
    ///
    /// # Errors
    ///
    /// Returns `TypeError`, with Python's usual message, if there are not exactly `N` arguments.
    pub fn exactly<const N: usize>(&self) -> Result<'py, &'a [Object<'py>; N]> {
        self.values.try_into().map_err(|_| {
            let name = self.name.to_string_lossy();
            let (plural, given) = (if N == 1 { "" } else { "s" }, self.values.len());
            let message = format!("{name}() takes exactly {N} argument{plural} ({given} given)");
            Error::new(self.py, Kind::Type, &message)
        })
    }
}

/// An entry in a module's function table.
#[repr(transparent)]
pub struct Method(ffi::PyMethodDef);

// SAFETY: the pointers refer to static strings and functions, which are constant.
unsafe impl Sync for Method {}

impl Method {
    /// The last entry of every table.
    pub const END: Self = Self(ffi::PyMethodDef {
        ml_name: ptr::null(),
        ml_meth: None,
        ml_flags: 0,
        ml_doc: ptr::null(),
    });

    /// Creates the entry for a function.
    #[must_use]
    pub const fn of<F: Function>() -> Self {
        Self(ffi::PyMethodDef {
            ml_name: F::NAME.as_ptr(),
            ml_meth: Some(call::<F>),
            ml_flags: ffi::METH_FASTCALL,
            ml_doc: F::DOC.as_ptr(),
        })
    }
}

/// A module definition, which CPython reads and writes.
#[repr(transparent)]
pub struct Definition(UnsafeCell<ffi::PyModuleDef>);

// SAFETY: Rust never reads or writes the content, but only passes on its address. CPython writes to
// the content only in a thread with an attached thread state, and only one thread at a time has
// one.
unsafe impl Sync for Definition {}

/// The slots of a module definition.
#[repr(transparent)]
struct Slots([ffi::PyModuleDefSlot; 3]);

// SAFETY: the pointers refer to functions, and the table is constant.
unsafe impl Sync for Slots {}

/// A type that provides one slot table for each module type, because a `static` cannot be generic.
struct SlotsOf<M>(std::marker::PhantomData<M>);

impl<M: Module> SlotsOf<M> {
    const SLOTS: &'static Slots = &Slots([
        ffi::PyModuleDefSlot { slot: ffi::Py_mod_exec, value: exec::<M> as *mut c_void },
        // Subinterpreters are not supported, because this crate's tokens are valid only for the
        // interpreter that the crate started.
        ffi::PyModuleDefSlot {
            slot: ffi::Py_mod_multiple_interpreters,
            value: ffi::MULTIPLE_INTERPRETERS_NOT_SUPPORTED,
        },
        ffi::PyModuleDefSlot { slot: 0, value: ptr::null_mut() },
    ]);
}

impl Definition {
    /// Creates the definition of a module. Compilation fails if the last method is not `END`.
    #[must_use]
    pub const fn of<M: Module>() -> Self {
        const {
            assert!(
                matches!(M::METHODS, [.., Method(ffi::PyMethodDef { ml_meth: None, .. })]),
                "METHODS must end with Method::END"
            );
        }
        Self(UnsafeCell::new(ffi::PyModuleDef {
            // The value of PyModuleDef_HEAD_INIT; PyModuleDef_Init fills in the rest.
            m_base: ffi::PyModuleDefBase {
                ob_refcnt: 1,
                ob_type: ptr::null_mut(),
                m_init: None,
                m_index: 0,
                m_copy: ptr::null_mut(),
            },
            m_name: M::NAME.as_ptr(),
            m_doc: M::DOC.as_ptr(),
            m_size: 0,
            m_methods: M::METHODS.as_ptr().cast_mut().cast(),
            m_slots: (&raw const SlotsOf::<M>::SLOTS.0).cast_mut().cast(),
            m_traverse: None,
            m_clear: None,
            m_free: None,
        }))
    }
}

/// Runs the first phase of initialization: a module's `PyInit_NAME`, which only returns the
/// definition.
pub(crate) unsafe extern "C" fn init<M: Module>() -> *mut PyObject {
    // SAFETY: CPython calls this with the thread state attached. The definition and everything it
    // points to are static. The result is a borrowed reference, as multi-phase init requires.
    unsafe { ffi::PyModuleDef_Init(M::definition().0.get()) }
}

/// Runs the second phase of initialization: adds attributes to the new module.
unsafe extern "C" fn exec<M: Module>(module: *mut PyObject) -> c_int {
    // SAFETY: CPython calls this with the thread state attached until it returns.
    let py = unsafe { Python::assume() };
    // SAFETY: CPython keeps the module alive during the call.
    let result = unsafe { Object::from_borrowed(py, module) }.and_then(|module| M::fill(&module));
    match result {
        Ok(()) => 0,
        Err(error) => {
            error.restore();
            -1
        }
    }
}

/// Calls a function of a module. CPython calls this entry point.
unsafe extern "C" fn call<F: Function>(
    _module: *mut PyObject,
    arguments: *const *mut PyObject,
    count: isize,
) -> *mut PyObject {
    // SAFETY: CPython calls this with the thread state attached until it returns.
    let py = unsafe { Python::assume() };
    let values: &[Object<'_>] = if count > 0 {
        // SAFETY: the caller keeps `count` objects alive during the call. An Object has the layout
        // of a pointer. Dropping a shared slice drops no objects, so the caller keeps its
        // references. A cloned Object takes its own reference.
        unsafe { slice::from_raw_parts(arguments.cast(), count.cast_unsigned()) }
    } else {
        &[]
    };
    let arguments = Arguments { py, name: F::NAME, values };
    let result = match is_stack_short() {
        false => F::call(py, arguments),
        true => Err(Error::new(py, Kind::Recursion, "the C stack is exhausted")),
    };
    match result {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            error.restore();
            ptr::null_mut()
        }
    }
}

/// Returns true if less than a quarter of the C stack is left. That quarter is reserved for code
/// that does not check the stack. CPython's limit on nested calls is not enough, because it assumes
/// that only CPython's frames use the stack.
fn is_stack_short() -> bool {
    // The linker defines the bounds of the stack, which grows downwards.
    unsafe extern "C" {
        static __stack_low: u8;
        static __stack_high: u8;
    }
    let here = 0_u8;
    let low = (&raw const __stack_low).addr();
    let high = (&raw const __stack_high).addr();
    let quarter = high.saturating_sub(low) / 4;
    (&raw const here).addr() < low.saturating_add(quarter)
}
