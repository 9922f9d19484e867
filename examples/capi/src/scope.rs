//! Where code runs: globals, and locals if they are something else.
//!
//! It never runs code in a frame of someone else's.

#![allow(unsafe_code)]

use std::ffi::c_int;

use crate::convert::ToPython;
use crate::error::Result;
use crate::interpreter::Python;
use crate::object::Object;
use crate::{Dict, ffi, text};

/// What tracebacks call code without a file.
const NO_FILE: &str = "<string>";

/// Globals and locals. Functions that code defines keep the globals alive, and the globals keep the
/// functions: such a scope goes when Python collects garbage, at the latest when it ends.
#[derive(Clone, Debug)]
pub struct Scope<'py> {
    globals: Dict<'py>,
    locals: Dict<'py>,
}

impl<'py> Scope<'py> {
    /// A fresh one, with the built-in names and the `__name__` `"__main__"`. Locals and globals are
    /// one, as at the top of a module.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub fn new(py: Python<'py>) -> Result<'py, Self> {
        let globals = Dict::new(py)?;
        // SAFETY: Python runs; borrowed from the interpreter, and never null while it does.
        let builtins = unsafe { Object::from_borrowed(py, ffi::PyEval_GetBuiltins()) }?;
        globals.set("__builtins__", builtins)?;
        globals.set("__name__", "__main__")?;
        Ok(Self { locals: globals.clone(), globals })
    }

    /// These globals and locals, as `exec(code, globals, locals)` takes them. What code defines
    /// goes to the locals, and functions that it defines do not see them, as in a class body.
    #[must_use]
    pub fn with(globals: Dict<'py>, locals: Dict<'py>) -> Self {
        Self { globals, locals }
    }

    /// The globals.
    #[must_use]
    pub fn globals(&self) -> &Dict<'py> {
        &self.globals
    }

    /// The locals, which may be the same dict.
    #[must_use]
    pub fn locals(&self) -> &Dict<'py> {
        &self.locals
    }

    /// The value of a name: of the locals, else of the globals.
    ///
    /// # Errors
    ///
    /// What comparing keys of these dicts raises.
    pub fn get(&self, name: &str) -> Result<'py, Option<Object<'py>>> {
        match self.locals.get(name)? {
            Some(value) => Ok(Some(value)),
            None => self.globals.get(name),
        }
    }

    /// Sets a name of the locals.
    ///
    /// # Errors
    ///
    /// As for [`Scope::get`], and `MemoryError`.
    pub fn set(&self, name: &str, value: impl ToPython<'py>) -> Result<'py, ()> {
        self.locals.set(name, value)
    }

    /// The value of an expression.
    ///
    /// # Errors
    ///
    /// `SyntaxError` for what is none, and whatever it raises.
    pub fn eval(&self, expression: &str) -> Result<'py, Object<'py>> {
        // As eval() does; the parser would complain of indentation.
        let expression = expression.trim_start_matches([' ', '\t']);
        self.run(expression, NO_FILE, ffi::Py_eval_input)
    }

    /// Runs statements.
    ///
    /// # Errors
    ///
    /// `SyntaxError`, and whatever they raise.
    pub fn exec(&self, statements: &str) -> Result<'py, ()> {
        self.exec_file(statements, NO_FILE)
    }

    /// Runs the statements of a file, whose name tracebacks show. It is not opened.
    ///
    /// # Errors
    ///
    /// As for [`Scope::exec`].
    pub fn exec_file(&self, statements: &str, name: &str) -> Result<'py, ()> {
        self.run(statements, name, ffi::Py_file_input).map(drop)
    }

    fn run(&self, code: &str, filename: &str, start: c_int) -> Result<'py, Object<'py>> {
        let py = self.globals.python();
        let source = text::source(py, code)?;
        let filename = filename.to_python(py)?;
        let mut flags = ffi::PyCompilerFlags {
            // It is UTF-8, whatever a comment at its top says.
            cf_flags: ffi::PyCF_IGNORE_COOKIE,
            cf_feature_version: 13,
        };
        // SAFETY: the source is NUL-terminated and UTF-8, the name is a str that is alive, and the
        // flags outlive the call; a new reference to a code object, or null with an exception.
        let code = unsafe {
            let flags = &raw mut flags;
            let code =
                ffi::Py_CompileStringObject(source.as_ptr(), filename.as_ptr(), start, flags, -1);
            Object::from_owned(py, code)
        }?;
        // SAFETY: a code object without free variables, for it is a module's or an expression's,
        // and dicts that are alive; a new reference, or null with an exception.
        unsafe {
            let (globals, locals) = (self.globals.as_ptr(), self.locals.as_ptr());
            Object::from_owned(py, ffi::PyEval_EvalCode(code.as_ptr(), globals, locals))
        }
    }
}
