//! Macros of Python's C API that hand-written bindings declare as functions.
//!
//! For each macro, an object defines a function with the macro's name. The function refers to an
//! undefined symbol whose name is a message: "… is a macro of Python's C API: call …". The linker's
//! error, or the name of the unknown import, then shows the message.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::val_type::ValType;
use crate::writer::{Binding, Code, Writer};

/// The macros by name.
const LIST: &str = include_str!("../data/macros.toml");

/// A function-like C macro.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Macro {
    /// The name.
    pub name: String,
    /// The function call that replaces the macro, including its arguments.
    pub call: String,
    params: usize,
    result: bool,
}

#[derive(Deserialize)]
struct Entry(usize, bool, String);

/// Returns the known macros, sorted by name.
///
/// # Panics
/// Never, because the list is compiled in and a test parses it.
#[must_use]
pub fn macros() -> Vec<Macro> {
    let entries: BTreeMap<String, Entry> = toml::from_str(LIST).expect("the list is TOML");
    let entries = entries.into_iter();
    entries
        .map(|(name, Entry(params, result, call))| Macro { name, call, params, result })
        .collect()
}

impl Macro {
    /// Returns the name of the function to call.
    #[must_use]
    pub fn function(&self) -> &str {
        self.call.split('(').next().unwrap_or(&self.call)
    }

    /// Returns the undefined symbol, whose name is the message.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{} is a macro of Python's C API: call {}", self.name, self.call)
    }

    /// Writes the object that defines a function with the macro's name.
    #[must_use]
    pub fn object(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let message = writer.undefined_function(&self.message(), &[], &[]);
        let code = Code::new().call(message).unreachable();
        // All parameters and results are pointers or sizes, which are `i32`.
        let params = vec![ValType::I32; self.params];
        let results = if self.result { &[ValType::I32][..] } else { &[] };
        writer.function(&self.name, Binding::Weak, &params, results, code);
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Object, SymbolKind};

    #[test]
    fn object_defines_macro_and_needs_message() {
        let all = macros();
        let create = all.iter().find(|it| it.name == "PyModule_Create").unwrap();
        assert_eq!(create.function(), "PyModule_Create2");
        let object = Object::read("o", &create.object()).unwrap();
        let symbols: Vec<_> =
            object.symbols.iter().map(|it| (it.name.clone(), it.undefined)).collect();
        assert_eq!(symbols, [(create.message(), true), ("PyModule_Create".to_owned(), false)]);
        let SymbolKind::Function(signature) = &object.symbols[1].kind else { panic!("data") };
        assert_eq!(signature.to_string(), "(i32) -> i32");
    }

    #[test]
    fn every_call_names_a_function() {
        for it in macros() {
            assert!(it.function().starts_with("Py") && it.call.contains(')'), "{it:?}");
        }
    }
}
