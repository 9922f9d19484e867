//! Writes a changed module with its functions in their original order.
//!
//! walrus sorts functions by size, for engines that compile them in parallel. The linker keeps the
//! functions of a source file together. Such functions are similar, and gzip finds repetitions only
//! within 32 KiB (RFC 1951), so a module in the linker's order compresses better. walrus also
//! writes an `else` for each `if`, so `emit` removes empty `else` branches.

use std::borrow::Cow;
use std::convert::Infallible;

use anyhow::Context;
use pywasm_wasm::custom;
use walrus::{CustomSection, FunctionId, FunctionKind, IdsToIndices, Module};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, FunctionSection, IndirectNameMap, Instruction, NameMap, NameSection,
};
use wasmparser::{CodeSectionReader, FunctionBody, FunctionSectionReader, Name, Parser};

/// The custom section that carries the original order through walrus. The section is removed
/// afterwards.
const ORDER: &str = "pywasm.order";

/// Writes a module with its functions in their original order.
///
/// # Errors
/// When walrus's output cannot be read, which is a bug in walrus or wasmparser.
pub(super) fn emit(module: &mut Module) -> anyhow::Result<Vec<u8>> {
    while module.customs.remove_raw(ORDER).is_some() {}
    let ids = module.funcs.iter().filter(|it| matches!(it.kind, FunctionKind::Local(_)));
    module.customs.add(Ids(ids.map(walrus::Function::id).collect()));
    let written = module.emit_wasm();
    let numbers = custom::read(&written, ORDER)?.unwrap_or_default();
    let numbers: Vec<u32> =
        numbers.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let bytes = custom::clear(&written, |name| name == ORDER)?.module;
    let mut ordered = wasm_encoder::Module::new();
    Order::new(&numbers)
        .parse_core_module(&mut ordered, Parser::new(0), &bytes)
        .context("the changed module cannot be read")?;
    Ok(ordered.finish())
}

/// The functions of a module in their original order. walrus writes this list as a custom section
/// that contains the functions' new indices.
#[derive(Debug)]
struct Ids(Vec<FunctionId>);

impl CustomSection for Ids {
    fn name(&self) -> &str {
        ORDER
    }

    fn data(&self, indices: &IdsToIndices) -> Cow<'_, [u8]> {
        let numbers = self.0.iter().map(|id| indices.get_func_index(*id));
        numbers.flat_map(u32::to_le_bytes).collect()
    }
}

/// A map from walrus's function indices to the original order.
struct Order {
    imports: u32,
    /// The original position of each defined function, indexed by its position in walrus's output.
    positions: Vec<usize>,
}

impl Order {
    /// Creates the map. `numbers` are the new indices of the functions, in their original order.
    fn new(numbers: &[u32]) -> Self {
        let imports = numbers.iter().copied().min().unwrap_or_default();
        let mut positions = vec![0; numbers.len()];
        for (position, number) in numbers.iter().enumerate() {
            positions[(number - imports) as usize] = position;
        }
        Self { imports, positions }
    }

    /// Sorts `items` into the original order. There is one item for each defined function, in
    /// walrus's order.
    fn sorted<T>(&self, items: impl Iterator<Item = wasmparser::Result<T>>) -> Result<Vec<T>> {
        let mut items: Vec<(usize, T)> = self
            .positions
            .iter()
            .zip(items)
            .map(|(position, item)| Ok((*position, item?)))
            .collect::<wasmparser::Result<_>>()?;
        items.sort_by_key(|(position, _)| *position);
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    /// Renumbers the functions in a map of local or label names, and sorts the map by function.
    fn names_within(&mut self, map: wasmparser::IndirectNameMap<'_>) -> Result<IndirectNameMap> {
        let mut functions = map.into_iter().collect::<wasmparser::Result<Vec<_>>>()?;
        functions.sort_by_key(|it| self.number(it.index));
        let mut all = IndirectNameMap::new();
        for function in functions {
            all.append(self.number(function.index), &utils::name_map(function.names, Ok)?);
        }
        Ok(all)
    }

    /// Converts a function's index in walrus's output to its index in the original order.
    fn number(&self, function: u32) -> u32 {
        let defined = function.checked_sub(self.imports).map(|at| at as usize);
        let position =
            defined.and_then(|at| self.positions.get(at)).and_then(|it| u32::try_from(*it).ok());
        position.map_or(function, |position| self.imports + position)
    }
}

type Result<T> = std::result::Result<T, Error<Infallible>>;

impl Reencode for Order {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32> {
        Ok(self.number(function))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<()> {
        for of in self.sorted(section.into_iter())? {
            functions.function(self.type_index(of)?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<()> {
        for body in self.sorted(section.into_iter())? {
            self.parse_function_body(code, body)?;
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<()> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut reader = body.get_operators_reader()?;
        // An `else` is written only when the next instruction is known. If the next instruction is
        // `end`, the `else` is empty and is omitted.
        let mut is_held = false;
        while !reader.eof() {
            let instruction = self.parse_instruction(&mut reader)?;
            if is_held && !matches!(instruction, Instruction::End) {
                function.instruction(&Instruction::Else);
            }
            is_held = matches!(instruction, Instruction::Else);
            if !is_held {
                function.instruction(&instruction);
            }
        }
        code.function(&function);
        Ok(())
    }

    fn parse_custom_name_subsection(
        &mut self,
        names: &mut NameSection,
        section: Name<'_>,
    ) -> Result<()> {
        match section {
            Name::Function(map) => {
                let mut all = map.into_iter().collect::<wasmparser::Result<Vec<_>>>()?;
                all.sort_by_key(|it| self.number(it.index));
                let mut sorted = NameMap::new();
                for one in all {
                    sorted.append(self.number(one.index), one.name);
                }
                names.functions(&sorted);
            }
            Name::Local(map) => names.locals(&self.names_within(map)?),
            Name::Label(map) => names.labels(&self.names_within(map)?),
            other => utils::parse_custom_name_subsection(self, names, other)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasmparser::{BinaryReader, Operator};

    use super::*;

    /// A module in which each function is larger than the one before, so that walrus reverses their
    /// order.
    const GROWING: &str = r#"(module
        (import "host" "call" (func $host))
        (type $number (func (result i32)))
        (table 2 funcref)
        (elem (i32.const 0) $ten $first)
        (global $kept (ref func) (ref.func $second))
        (func $first (export "first") (result i32) i32.const 1)
        (func $ten (result i32) nop i32.const 10)
        (func $second (param $x i32) (result i32)
            (local $y i32) local.get $x local.tee $y call $first i32.add)
        (func $third (export "third") (result i32)
            call $host i32.const 0 call_indirect (type $number) call $second
            i32.const 1 call_indirect (type $number) i32.add)
        (func $start
            nop nop nop nop nop nop nop nop nop nop nop nop call $third drop)
        (start $start))"#;

    #[test]
    fn functions_keep_their_order() {
        let original = wat::parse_str(GROWING).unwrap();
        let mut module = Module::from_buffer(&original).unwrap();
        let reordered = Module::from_buffer(&original).unwrap().emit_wasm();
        let names = |module: &[u8]| -> Vec<String> {
            let names = pywasm_wasm::Module::read(module).unwrap().names().unwrap();
            names.into_iter().map(str::to_owned).collect()
        };
        assert_ne!(names(&reordered), names(&original), "walrus sorts functions");
        let emitted = emit(&mut module).unwrap();
        wasmparser::validate(&emitted).unwrap();
        assert_eq!(names(&emitted), names(&original));
        assert_eq!(custom::read(&emitted, ORDER).unwrap(), None);
    }

    #[test]
    fn calls_reach_the_same_functions() {
        let original = wat::parse_str(GROWING).unwrap();
        let emitted = emit(&mut Module::from_buffer(&original).unwrap()).unwrap();
        assert_eq!([results(&original), results(&emitted)], [[1, 12]; 2]);
    }

    #[test]
    fn empty_else_is_dropped() {
        let original = r#"(module
            (func (export "first") (result i32) i32.const 0
                (if (result i32) (then i32.const 2) (else i32.const 3)))
            (func (export "third") (result i32)
                i32.const 7 i32.const 1 (if (param i32) (result i32) (then i32.const 1 i32.add))
                i32.const 0 (if (then unreachable) (else))))"#;
        let original = wat::parse_str(original).unwrap();
        let emitted = emit(&mut Module::from_buffer(&original).unwrap()).unwrap();
        wasmparser::validate(&emitted).unwrap();
        assert_eq!(results(&emitted), [3, 8]);
        let count = |module: &[u8]| {
            let read = pywasm_wasm::Module::read(module).unwrap();
            let bodies = read.bodies.iter().map(|it| &module[it.start as usize..it.end as usize]);
            let operators = bodies.flat_map(|body| {
                let body = FunctionBody::new(BinaryReader::new(body, 0));
                body.get_operators_reader().unwrap().into_iter()
            });
            operators.filter(|it| matches!(it, Ok(Operator::Else))).count()
        };
        assert_eq!(count(&emitted), 1);
    }

    /// Returns the results of the exports `first` and `third`.
    fn results(module: &[u8]) -> [i32; 2] {
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::new(&engine, module).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let host = wasmtime::Func::wrap(&mut store, || {});
        let hosts: Vec<_> = module.imports().map(|_| host.into()).collect();
        let instance = wasmtime::Instance::new(&mut store, &module, &hosts).unwrap();
        ["first", "third"].map(|name| {
            let function = instance.get_typed_func::<(), i32>(&mut store, name).unwrap();
            function.call(&mut store, ()).unwrap()
        })
    }
}
