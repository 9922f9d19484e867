//! Native modules: functions of Rust's that Python imports.
//!
//! A module is made in two phases ([PEP 489](https://peps.python.org/pep-0489/)): what Python calls
//! first only describes it, so it can be imported again after it was dropped from `sys.modules`.
//!
//! It never lets an `Err` or a panic reach C: an `Err` becomes the exception that it is, and a
//! panic in an `extern "C"` function aborts. In wasm that is a trap and the end of the module, so
//! functions must not panic.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_int, c_void};
use std::{ptr, slice};

use crate::error::{Error, Kind, Result};
use crate::ffi::{self, PyObject};
use crate::interpreter::Python;
use crate::object::Object;

/// A function of a native module.
pub trait Function: 'static {
    /// Its name in the module.
    const NAME: &'static CStr;
    /// Its documentation. A first line `name(text, /)` and a second line `--` are the signature
    /// that `help` and `inspect` show.
    const DOC: &'static CStr;

    /// Calls it.
    ///
    /// # Errors
    ///
    /// The exception that it raises.
    fn call<'py>(py: Python<'py>, arguments: Arguments<'_, 'py>) -> Result<'py, Object<'py>>;
}

/// A native module.
pub trait Module: 'static {
    /// The name that Python imports.
    const NAME: &'static CStr;
    /// Its documentation.
    const DOC: &'static CStr;
    /// Its functions, and [`Method::END`].
    const METHODS: &'static [Method];

    /// The static memory in which CPython keeps the description, different for each module:
    ///
    /// ```ignore
    /// static DEFINITION: Definition = Definition::of::<Tariff>();
    /// &DEFINITION
    /// ```
    fn definition() -> &'static Definition;

    /// Adds what is not a function, each time that the module is made.
    ///
    /// # Errors
    ///
    /// The exception that the import raises.
    fn fill<'py>(module: &Object<'py>) -> Result<'py, ()> {
        let _ = module;
        Ok(())
    }
}

/// The arguments of a call, all positional, borrowed from the caller.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a, 'py> {
    py: Python<'py>,
    name: &'static CStr,
    values: &'a [Object<'py>],
}

impl<'a, 'py> Arguments<'a, 'py> {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &'a [Object<'py>] {
        self.values
    }

    /// Exactly `N`.
    ///
    /// # Errors
    ///
    /// `TypeError`, in Python's words, when it is another number.
    pub fn exactly<const N: usize>(&self) -> Result<'py, &'a [Object<'py>; N]> {
        self.values.try_into().map_err(|_| {
            let name = self.name.to_string_lossy();
            let (plural, given) = (if N == 1 { "" } else { "s" }, self.values.len());
            let message = format!("{name}() takes exactly {N} argument{plural} ({given} given)");
            Error::new(self.py, Kind::Type, &message)
        })
    }
}

/// An entry of a module's table of functions.
#[repr(transparent)]
pub struct Method(ffi::PyMethodDef);

// SAFETY: the pointers are to static strings and functions, and nobody changes what they point to.
unsafe impl Sync for Method {}

impl Method {
    /// The last entry of every table.
    pub const END: Self = Self(ffi::PyMethodDef {
        ml_name: ptr::null(),
        ml_meth: None,
        ml_flags: 0,
        ml_doc: ptr::null(),
    });

    /// The entry of a function.
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

/// CPython's description of a module, in memory that CPython writes to.
#[repr(transparent)]
pub struct Definition(UnsafeCell<ffi::PyModuleDef>);

// SAFETY: Rust never reads or writes it, it only hands out the address; CPython writes to it while
// the thread state is attached, which one thread at a time has.
unsafe impl Sync for Definition {}

/// The slots of a module's description.
#[repr(transparent)]
struct Slots([ffi::PyModuleDefSlot; 3]);

// SAFETY: the pointers are to functions, and nobody changes the table.
unsafe impl Sync for Slots {}

/// A place for one table per module, which a `static` can't be.
struct SlotsOf<M>(std::marker::PhantomData<M>);

impl<M: Module> SlotsOf<M> {
    const SLOTS: &'static Slots = &Slots([
        ffi::PyModuleDefSlot { slot: ffi::Py_mod_exec, value: exec::<M> as *mut c_void },
        // What this crate proves, it proves for the one interpreter that it started.
        ffi::PyModuleDefSlot {
            slot: ffi::Py_mod_multiple_interpreters,
            value: ffi::MULTIPLE_INTERPRETERS_NOT_SUPPORTED,
        },
        ffi::PyModuleDefSlot { slot: 0, value: ptr::null_mut() },
    ]);
}

impl Definition {
    /// The description of a module. It does not compile when the table of functions has no end.
    #[must_use]
    pub const fn of<M: Module>() -> Self {
        const {
            assert!(
                matches!(M::METHODS, [.., Method(ffi::PyMethodDef { ml_meth: None, .. })]),
                "METHODS must end with Method::END"
            );
        }
        Self(UnsafeCell::new(ffi::PyModuleDef {
            // What PyModuleDef_HEAD_INIT is; PyModuleDef_Init fills in the rest.
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

/// `PyInit_NAME`.
pub(crate) unsafe extern "C" fn init<M: Module>() -> *mut PyObject {
    // SAFETY: CPython calls it with the thread state attached. The description is static, and so
    // is all that it points to. The result is borrowed, as an init function's has to be here.
    unsafe { ffi::PyModuleDef_Init(M::definition().0.get()) }
}

/// The second phase: the module exists and is filled.
unsafe extern "C" fn exec<M: Module>(module: *mut PyObject) -> c_int {
    // SAFETY: CPython calls it with the thread state attached, which stays so until it returns.
    let py = unsafe { Python::assume() };
    // SAFETY: the module, which CPython keeps alive during the call.
    let filled = unsafe { Object::from_borrowed(py, module) }.and_then(|module| M::fill(&module));
    match filled {
        Ok(()) => 0,
        Err(error) => {
            error.restore();
            -1
        }
    }
}

/// A function as CPython calls it.
unsafe extern "C" fn call<F: Function>(
    _module: *mut PyObject,
    arguments: *const *mut PyObject,
    count: isize,
) -> *mut PyObject {
    // SAFETY: CPython calls it with the thread state attached, which stays so until it returns.
    let py = unsafe { Python::assume() };
    let values: &[Object<'_>] = if count > 0 {
        // SAFETY: `count` objects that the caller keeps alive during the call. An Object is in
        // memory what a pointer is, and behind a shared slice none of these is dropped, so none of
        // the caller's references is given back; a clone takes one of its own.
        unsafe { slice::from_raw_parts(arguments.cast(), count.cast_unsigned()) }
    } else {
        &[]
    };
    let arguments = Arguments { py, name: F::NAME, values };
    let result = match is_stack_short() {
        false => F::call(py, arguments),
        true => Err(Error::new(py, Kind::Recursion, "the C stack is used up")),
    };
    match result {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            error.restore();
            ptr::null_mut()
        }
    }
}

/// Whether less than a quarter of the C stack is left, which is for the code that does not ask.
/// CPython counts levels of calls as if its own frames were all there are.
fn is_stack_short() -> bool {
    // The linker says where it put the stack; it grows downwards from high to low.
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
