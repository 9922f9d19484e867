//! The globals and locals in which Python code runs.

#![allow(unsafe_code)]

use std::ffi::c_int;

use crate::convert::ToPython;
use crate::error::Result;
use crate::interpreter::Python;
use crate::object::Object;
use crate::{Dict, ffi, text};

/// The file name that tracebacks show for code without a file.
const NO_FILE: &str = "<string>";

/// Globals and locals. The globals and the functions that the code defines refer to each other, so
/// a scope with functions is freed only by Python's garbage collector, or when Python is finalized.
#[derive(Clone, Debug)]
pub struct Scope<'py> {
    globals: Dict<'py>,
    locals: Dict<'py>,
}

impl<'py> Scope<'py> {
    /// Creates a scope that contains the built-in names and `__name__ == "__main__"`. As at the top
    /// level of a module, one dict is used for both globals and locals.
    ///
    /// # Errors
    ///
    /// Returns `MemoryError` if memory runs out.
    pub fn new(py: Python<'py>) -> Result<'py, Self> {
        let globals = Dict::new(py)?;
        // SAFETY: Python is running. The result is borrowed from the interpreter and is not null.
        let builtins = unsafe { Object::from_borrowed(py, ffi::PyEval_GetBuiltins()) }?;
        globals.set("__builtins__", builtins)?;
        globals.set("__name__", "__main__")?;
        Ok(Self { locals: globals.clone(), globals })
    }

    /// Creates a scope from globals and locals, like `exec(code, globals, locals)`. Definitions are
    /// stored in the locals. As in a class body, functions that the code defines do not see the
    /// locals.
    #[must_use]
    pub fn with(globals: Dict<'py>, locals: Dict<'py>) -> Self {
        Self { globals, locals }
    }

    /// Returns the globals.
    #[must_use]
    pub fn globals(&self) -> &Dict<'py> {
        &self.globals
    }

    /// Returns the locals, which may be the same dict as the globals.
    #[must_use]
    pub fn locals(&self) -> &Dict<'py> {
        &self.locals
    }

    /// Returns the value of a name in the locals or, if it is not there, in the globals.
    ///
    /// # Errors
    ///
    /// Returns any exception that comparing keys raises.
    pub fn get(&self, name: &str) -> Result<'py, Option<Object<'py>>> {
        match self.locals.get(name)? {
            Some(value) => Ok(Some(value)),
            None => self.globals.get(name),
        }
    }

    /// Sets a name in the locals.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Scope::get`], or `MemoryError` if memory runs out.
    pub fn set(&self, name: &str, value: impl ToPython<'py>) -> Result<'py, ()> {
        self.locals.set(name, value)
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    ///
    /// Returns `SyntaxError` or any exception that the expression raises.
    pub fn eval(&self, expression: &str) -> Result<'py, Object<'py>> {
        // Python's eval() also removes leading spaces and tabs, because the parser would reject
        // them as indentation.
        let expression = expression.trim_start_matches([' ', '\t']);
        self.run(expression, NO_FILE, ffi::Py_eval_input)
    }

    /// Runs statements.
    ///
    /// # Errors
    ///
    /// Returns `SyntaxError` or any exception that the statements raise.
    pub fn exec(&self, statements: &str) -> Result<'py, ()> {
        self.exec_file(statements, NO_FILE)
    }

    /// Runs the statements of a file. The name is used only in tracebacks.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Scope::exec`].
    pub fn exec_file(&self, statements: &str, name: &str) -> Result<'py, ()> {
        self.run(statements, name, ffi::Py_file_input).map(drop)
    }

    fn run(&self, code: &str, filename: &str, start: c_int) -> Result<'py, Object<'py>> {
        let py = self.globals.python();
        let source = text::source(py, code)?;
        let filename = filename.to_python(py)?;
        let mut flags = ffi::PyCompilerFlags {
            // The source is UTF-8, so ignore an encoding comment.
            cf_flags: ffi::PyCF_IGNORE_COOKIE,
            cf_feature_version: 13,
        };
        // SAFETY: the source is NUL-terminated UTF-8, the name is a live str, and the flags outlive
        // the call. The call returns a new reference to a code object, or null with an exception
        // set.
        let code = unsafe {
            let flags = &raw mut flags;
            let code =
                ffi::Py_CompileStringObject(source.as_ptr(), filename.as_ptr(), start, flags, -1);
            Object::from_owned(py, code)
        }?;
        // SAFETY: the code object has no free variables, because it is a module or an expression.
        // The dicts are alive. The call returns a new reference, or null with an exception set.
        unsafe {
            let (globals, locals) = (self.globals.as_ptr(), self.locals.as_ptr());
            Object::from_owned(py, ffi::PyEval_EvalCode(code.as_ptr(), globals, locals))
        }
    }
}
