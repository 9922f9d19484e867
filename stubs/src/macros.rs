//! Macros of Python's C API, which bindings by hand take for functions.
//!
//! For each there is an object that answers whoever calls it: it has a function of that name, which
//! needs a symbol that says what to call. Nobody has that symbol, so the linker's own error, or the
//! import that no host knows, tells it.

use std::collections::BTreeMap;

use serde::Deserialize;
use wasm_encoder::{Instruction, ValType};

use crate::writer::{Binding, Code, Writer};

/// The list, by name.
const LIST: &str = include_str!("../data/macros.toml");

/// A macro that looks like a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macro {
    /// Its name.
    pub name: String,
    /// What to call instead, with its arguments.
    pub call: String,
    params: usize,
    result: bool,
}

#[derive(Deserialize)]
struct Entry(usize, bool, String);

/// All that are known, sorted by name.
///
/// # Panics
/// Never: the list is part of this crate, and a test reads it.
#[must_use]
pub fn macros() -> Vec<Macro> {
    let entries: BTreeMap<String, Entry> = toml::from_str(LIST).expect("the list is TOML");
    let entries = entries.into_iter();
    entries
        .map(|(name, Entry(params, result, call))| Macro { name, call, params, result })
        .collect()
}

impl Macro {
    /// The function to call.
    #[must_use]
    pub fn function(&self) -> &str {
        self.call.split('(').next().unwrap_or(&self.call)
    }

    /// The symbol that tells it.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{} is a macro of Python's C API: call {}", self.name, self.call)
    }

    /// The object that answers calls of it.
    #[must_use]
    pub fn object(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let told = writer.undefined_function(&self.message(), &[], &[]);
        let code = Code::new().call(told).then(&Instruction::Unreachable);
        // Pointers and sizes: were it a function, its type would be of these.
        let params = vec![ValType::I32; self.params];
        let results = if self.result { &[ValType::I32][..] } else { &[] };
        writer.function(&self.name, Binding::Weak, &params, results, code);
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Object};

    #[test]
    fn an_object_has_the_macro_and_needs_what_says_the_function() {
        let all = macros();
        let create = all.iter().find(|it| it.name == "PyModule_Create").unwrap();
        assert_eq!(create.function(), "PyModule_Create2");
        let object = Object::read("o", &create.object()).unwrap();
        let symbols: Vec<_> =
            object.symbols.iter().map(|it| (it.name.clone(), it.undefined)).collect();
        assert_eq!(symbols, [(create.message(), true), ("PyModule_Create".to_owned(), false)]);
        let Kind::Function(signature) = &object.symbols[1].kind else { panic!("data") };
        assert_eq!(signature.to_string(), "(i32) -> i32");
    }

    #[test]
    fn every_call_names_a_function() {
        for it in macros() {
            assert!(it.function().starts_with("Py") && it.call.contains(')'), "{it:?}");
        }
    }
}
