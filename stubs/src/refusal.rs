//! Decides whether the stub that a rule requests for a symbol is possible.

use std::fmt;

use crate::behaviour::Behaviour;
use crate::families::{returns_struct, shim};
use crate::object::SymbolKind;
use crate::signature::Signature;

/// The point at which a stub is created, which limits what the stub can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before linking. The stub is an object file and can refer to symbols in other objects.
    Object,
    /// After linking. The stub is a function in a finished wasm module, which no longer has
    /// symbols.
    LinkedModule {
        /// True if the name section contains a function named `__errno_location`.
        has_errno_location: bool,
    },
}

/// A requested stub that cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Refusal {
    /// The symbol, or the import in the form `module.name`.
    pub name: String,
    /// The reason.
    pub reason: Reason,
}

/// The reason for a [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Objects use the symbol with different types. The list contains the objects for each type. A
    /// stub has only one type, and a call with another type traps.
    Types(Vec<(SymbolKind, Vec<String>)>),
    /// This object defines the symbol. A stub linked before this object would replace the
    /// definition, and a stub linked after it would never be used.
    Defined(String),
    /// The function returns a struct through its first parameter, which a stub leaves unwritten.
    ReturnsStruct(Signature),
    /// The function has no result, but the behaviour returns one. In wasm, a function that returns
    /// a struct looks the same as one without a result.
    NoResult(Signature, Behaviour),
    /// A parameter or result has a reference type that cannot be written to an object file.
    UnknownType(Signature),
    /// The symbol is neither a function nor a variable.
    Kind(SymbolKind),
    /// The symbol is a thread-local variable.
    ThreadLocal,
    /// No shim defines the symbol.
    NoShim,
    /// The behaviour is `import-error`, and the symbol is not a `PyInit_NAME` function.
    NotAModule(Signature),
    /// The behaviour raises a Python exception. This needs Python's symbols, which a linked module
    /// no longer has.
    LinkedPythonError(Behaviour),
    /// A shim is an object file, which cannot be added to a finished module.
    LinkedShim,
    /// The name section does not contain `__errno_location`, or is missing.
    NoErrnoLocation,
}

impl Refusal {
    /// Creates a refusal for the stub of this symbol or import.
    #[must_use]
    pub fn new(name: impl Into<String>, reason: Reason) -> Self {
        Self { name: name.into(), reason }
    }
}

/// Returns the reason why a function or variable cannot have this behaviour, or `None` if it can.
#[must_use]
pub fn refuse(name: &str, kind: &SymbolKind, behaviour: Behaviour, stage: Stage) -> Option<Reason> {
    if matches!(kind, SymbolKind::Global | SymbolKind::Tag) {
        return Some(Reason::Kind(kind.clone()));
    }
    match (stage, behaviour) {
        (Stage::Object, Behaviour::Shim) => return shim(name).is_none().then_some(Reason::NoShim),
        (Stage::LinkedModule { .. }, Behaviour::Shim) => return Some(Reason::LinkedShim),
        (Stage::LinkedModule { .. }, Behaviour::PythonError(_) | Behaviour::ImportError) => {
            return Some(Reason::LinkedPythonError(behaviour));
        }
        _ => {}
    }
    let SymbolKind::Function(signature) = kind else { return None };
    if stage == Stage::Object && !signature.is_encodable() {
        return Some(Reason::UnknownType(signature.clone()));
    }
    match behaviour {
        Behaviour::Trap | Behaviour::Shim => None,
        Behaviour::ImportError => {
            let is_init = name.starts_with("PyInit_") && *signature == Signature::of_module_init();
            (!is_init).then(|| Reason::NotAModule(signature.clone()))
        }
        _ if returns_struct(name) => Some(Reason::ReturnsStruct(signature.clone())),
        // A struct is returned through a parameter, so a function without parameters cannot return
        // one.
        _ if signature.results.is_empty() && !signature.params.is_empty() => {
            Some(Reason::NoResult(signature.clone(), behaviour))
        }
        Behaviour::Errno if stage == (Stage::LinkedModule { has_errno_location: false }) => {
            Some(Reason::NoErrnoLocation)
        }
        _ => None,
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.reason {
            Reason::Types(types) => {
                write!(f, "`{name}` is used with {} types:", types.len())?;
                for (kind, objects) in types {
                    let object = objects.first().map_or("", String::as_str);
                    write!(f, " {kind} by {object};")?;
                }
                f.write_str(" calls with any type other than the stub's would trap")
            }
            Reason::Defined(object) => {
                write!(f, "`{name}` is defined by {object}: a stub would hide the definition")
            }
            Reason::ReturnsStruct(signature) => write!(
                f,
                "`{name}` {signature} returns a struct through its first parameter, which a stub \
                 would leave unwritten; only `trap` is possible"
            ),
            Reason::NoResult(signature, behaviour) => write!(
                f,
                "`{name}` {signature} has no result, but `{behaviour}` returns one; the function \
                 may return a struct through its first parameter (sret), so only `trap` is possible"
            ),
            Reason::UnknownType(signature) => {
                write!(f, "`{name}` {signature} uses a reference type that stubs do not support")
            }
            Reason::Kind(kind) => {
                write!(f, "`{name}` is a {kind}: only functions and variables can have stubs")
            }
            Reason::ThreadLocal => {
                write!(f, "`{name}` is a thread-local variable, which cannot have a stub")
            }
            Reason::NoShim => write!(f, "there is no shim for `{name}`"),
            Reason::NotAModule(signature) => write!(
                f,
                "`{name}` {signature} cannot have the behaviour `import-error`, which is only for \
                 `PyInit_NAME` functions of type () -> i32"
            ),
            Reason::LinkedPythonError(behaviour) => write!(
                f,
                "`{name}` cannot have the behaviour `{behaviour}` in a linked module, which no \
                 longer has Python's symbols: create the stub before linking"
            ),
            Reason::LinkedShim => write!(
                f,
                "`{name}` cannot have a shim in a linked module: create the shim before linking"
            ),
            Reason::NoErrnoLocation => write!(
                f,
                "`{name}` cannot have the behaviour `errno`, because the module has no function \
                 named `__errno_location`: create the stub for `{name}` before linking"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKED: Stage = Stage::LinkedModule { has_errno_location: false };

    fn refused(name: &str, signature: &str, behaviour: &str, stage: Stage) -> String {
        let kind = SymbolKind::Function(signature.parse().unwrap());
        refuse(name, &kind, behaviour.parse().unwrap(), stage)
            .map_or_else(String::new, |reason| Refusal::new(name, reason).to_string())
    }

    #[test]
    fn linked_modules_refuse_what_needs_the_linker() {
        for behaviour in ["python-error", "import-error", "shim", "errno"] {
            let message = refused("dlopen", "(i32, i32) -> i32", behaviour, LINKED);
            assert!(message.contains("before linking"), "{behaviour}: {message}");
        }
        let stage = Stage::LinkedModule { has_errno_location: true };
        assert_eq!(refused("f", "() -> i32", "errno", stage), "");
    }

    #[test]
    fn both_stages_refuse_to_return_from_struct_functions() {
        for stage in [Stage::Object, LINKED] {
            let message = refused("div", "(i32, i32, i32) -> ()", "null", stage);
            assert!(message.contains("returns a struct through its first parameter"), "{message}");
            let message = refused("f", "(i32) -> ()", "value=1", stage);
            assert!(message.contains("has no result, but `value=1` returns one"), "{message}");
            assert_eq!(refused("f", "() -> ()", "null", stage), "");
            assert_eq!(refused("div", "(i32, i32, i32) -> ()", "trap", stage), "");
        }
    }

    #[test]
    fn unknown_reference_types_are_refused_in_objects_only() {
        assert!(refused("f", "(ref) -> ()", "trap", Stage::Object).contains("reference type"));
        assert_eq!(refused("f", "(ref) -> ()", "trap", LINKED), "");
    }

    #[test]
    fn globals_and_tags_are_refused() {
        let reason = refuse("g", &SymbolKind::Global, Behaviour::Trap, Stage::Object).unwrap();
        let message = Refusal::new("g", reason).to_string();
        assert_eq!(message, "`g` is a global: only functions and variables can have stubs");
    }
}
