//! Finds exports that were linked as those of a command.
//!
//! For a command, wasm-ld wraps each exported function in a function that first calls the
//! constructors (`__wasm_call_ctors`) and at the end the destructors (`__wasm_call_dtors`). In a
//! reactor, this would run all constructors on each call.
//!
//! Source: `createCommandExportWrapper` in LLVM, `lld/wasm/Writer.cpp`.

use wasmparser::Operator;

use super::{Extern, Module};

/// The suffix of the wrappers' names, if the module has names.
const SUFFIX: &str = ".command_export";

/// The exports that a host calls only once, so wrapping them does no harm.
const CALLED_ONCE: [&str; 2] = ["_initialize", "_start"];

/// An export whose function is a wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandExport<'a> {
    /// The name of the export.
    pub name: &'a str,
    /// The index of the wrapped function, or `None` if it was inlined into the wrapper.
    pub inner: Option<u32>,
}

/// The calls in a function that distinguish wrappers.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    /// The function without parameters and results that is called first.
    first: Option<u32>,
    /// The function without parameters and results that is called last.
    last: Option<u32>,
    /// The function that gets all parameters, if the function does nothing else.
    inner: Option<u32>,
}

impl<'a> Module<'a> {
    /// Returns the exports whose functions are wrappers, in file order. `names` are the names of all
    /// functions by index; wrappers without names are recognized by their code.
    #[must_use]
    pub fn command_exports(&self, names: &[&str]) -> Vec<CommandExport<'a>> {
        let exports: Vec<(&'a str, u32, Shape)> = self
            .exports
            .iter()
            .filter(|export| !CALLED_ONCE.contains(&export.name))
            .filter_map(|export| match export.kind {
                Extern::Function(function) => Some((export.name, function, self.shape(function))),
                _ => None,
            })
            .collect();
        let all_alike = exports.len() > 1
            && exports.iter().all(|(.., shape)| {
                let (_, _, one) = exports[0];
                shape.is_enclosed() && (shape.first, shape.last) == (one.first, one.last)
            });
        let is_wrapper = |function: u32, shape: &Shape| {
            let is_named = names.get(function as usize).is_some_and(|it| it.ends_with(SUFFIX));
            // Ordinary functions without parameters and results often consist of three calls.
            let passes_values = !self.is_void(function);
            is_named || all_alike || shape.is_enclosed() && shape.inner.is_some() && passes_values
        };
        exports
            .iter()
            .filter(|(_, function, shape)| is_wrapper(*function, shape))
            .map(|(name, _, shape)| CommandExport { name, inner: shape.inner })
            .collect()
    }

    /// Reads the calls of a function. For an imported or malformed function, there are none.
    fn shape(&self, function: u32) -> Shape {
        let mut shape = Shape::default();
        let Some(body) = self.body(function) else { return shape };
        let Ok(operators) = body.get_operators_reader() else { return shape };
        let parameters = self.signature(function).map_or(0, |it| it.params.len());
        let mut calls = Vec::new();
        let (mut passed, mut only_passes) = (0, true);
        for (number, operator) in operators.into_iter().map_while(Result::ok).enumerate() {
            match operator {
                Operator::Call { function_index } => {
                    if number == 0 {
                        shape.first = Some(function_index).filter(|it| self.is_void(*it));
                    }
                    shape.last = Some(function_index).filter(|it| self.is_void(*it));
                    calls.push(function_index);
                }
                Operator::LocalGet { local_index }
                    if calls.len() == 1 && local_index as usize == passed =>
                {
                    passed += 1;
                    shape.last = None;
                }
                Operator::End => {}
                _ => {
                    only_passes = false;
                    shape.last = None;
                }
            }
        }
        if let [_, inner] | [_, inner, _] = calls[..]
            && only_passes
            && passed == parameters
            && self.signature(inner) == self.signature(function)
        {
            shape.inner = Some(inner);
        }
        shape
    }

    /// Returns true for a function without parameters and results.
    fn is_void(&self, function: u32) -> bool {
        self.signature(function).is_some_and(|it| it.params.is_empty() && it.results.is_empty())
    }
}

impl Shape {
    /// Returns true if the function calls one function first and a different one last.
    fn is_enclosed(&self) -> bool {
        self.first.is_some() && self.last.is_some() && self.first != self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, Option<u32>)> {
        let bytes = wat::parse_str(format!("(module (func $ctors) (func $dtors) {text})")).unwrap();
        let module = Module::read(&bytes).unwrap();
        let names = module.names().unwrap();
        let exports = module.command_exports(&names);
        exports.into_iter().map(|it| (it.name.to_owned(), it.inner)).collect()
    }

    /// The names of functions start with this prefix in modules whose wrappers have no known name.
    const CLOSE: &str = r#"(func $in (param i32) (result i32) local.get 0)
        (func (export "close") (param i32) (result i32)
            call $ctors local.get 0 call $in call $dtors)"#;

    #[test]
    fn wrapper_without_a_name_is_recognized_by_its_calls() {
        assert_eq!(found(CLOSE), [("close".to_owned(), Some(2))]);
    }

    #[test]
    fn wrapper_with_an_inlined_function_is_recognized_if_all_exports_are_alike() {
        let text = r#"
            (func (export "one") (param i32) (result i32)
                call $ctors (i32.add (local.get 0) (i32.const 1)) call $dtors)
            (func (export "two") call $ctors nop call $dtors)
            (func (export "_initialize") call $ctors)"#;
        assert_eq!(found(text), [("one".to_owned(), None), ("two".to_owned(), None)]);
        assert_eq!(found(&format!("{text} (func (export \"other\") nop)")), []);
    }

    #[test]
    fn wrapper_with_a_name_needs_no_destructors() {
        let text =
            r#"(func $work) (func $run.command_export (export "run") call $ctors call $work)"#;
        assert_eq!(found(text), [("run".to_owned(), Some(2))]);
    }

    #[test]
    fn ordinary_functions_are_not_wrappers() {
        // A function that initializes something first, and one that consists of three calls.
        let text = r#"
            (func $in (param i32)) (func $a)
            (func (export "one") (param i32) call $ctors local.get 0 call $in)
            (func (export "two") call $ctors call $a call $dtors)"#;
        assert_eq!(found(text), []);
    }
}
