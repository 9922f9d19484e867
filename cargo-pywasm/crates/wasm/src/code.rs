//! Decodes function bodies to find the largest functions and the calls between functions.
//! [`Module::read`] does not decode function bodies.

use std::collections::BTreeMap;

use wasmparser::Operator;

use super::Module;

/// Calls and references between functions.
#[derive(Debug, Default)]
pub struct Calls {
    /// The edges, sorted. An edge consists of a caller, a callee, and a flag that is true for a
    /// call and false for a reference.
    edges: Vec<(u32, u32, bool)>,
}

/// The largest functions of a module.
#[derive(Clone, Debug, Default)]
pub struct Largest {
    /// The index of the function with the most instructions, and its number of instructions.
    pub instructions: (u32, u64),
    /// The index of the most complex function, and its complexity.
    pub complexity: (u32, u64),
    /// The instructions in the module that modify a wasm table, each with the index of the first
    /// function that contains it.
    pub table_changes: BTreeMap<&'static str, u32>,
}

impl Calls {
    /// Decodes all functions.
    ///
    /// # Errors
    /// When a function body is malformed.
    pub fn read(module: &Module<'_>) -> anyhow::Result<Self> {
        let mut edges = Vec::new();
        each(module, |caller, operator| {
            let edge = match operator {
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    (caller, *function_index, true)
                }
                Operator::RefFunc { function_index } => (caller, *function_index, false),
                _ => return,
            };
            // Consecutive calls to the same function are common, so this check keeps the list
            // short.
            if edges.last() != Some(&edge) {
                edges.push(edge);
            }
        })?;
        edges.sort_unstable();
        edges.dedup();
        Ok(Self { edges })
    }

    /// Returns the functions that a function calls or references, sorted.
    pub fn of(&self, function: u32) -> impl Iterator<Item = u32> + '_ {
        self.edges_of(function).map(|(_, callee, _)| *callee)
    }

    /// Returns the functions that a function calls, sorted.
    pub fn called_by(&self, function: u32) -> impl Iterator<Item = u32> + '_ {
        self.edges_of(function).filter(|(.., called)| *called).map(|(_, callee, _)| *callee)
    }

    fn edges_of(&self, function: u32) -> impl Iterator<Item = &(u32, u32, bool)> {
        let from = self.edges.partition_point(|(caller, ..)| *caller < function);
        self.edges[from..].iter().take_while(move |(caller, ..)| *caller == function)
    }
}

impl Largest {
    /// Decodes all functions.
    ///
    /// # Errors
    /// When a function body is malformed.
    pub fn read(module: &Module<'_>) -> anyhow::Result<Self> {
        let (mut largest, mut current) = (Self::default(), Self::default());
        let mut changes = BTreeMap::new();
        each(module, |function, operator| {
            if current.instructions.0 != function {
                (current.instructions, current.complexity) = ((function, 0), (function, 0));
            }
            current.instructions.1 += 1;
            current.complexity.1 += weight(operator);
            if let Some(name) = table_change(operator) {
                changes.entry(name).or_insert(function);
            }
            if current.instructions.1 > largest.instructions.1 {
                largest.instructions = current.instructions;
            }
            if current.complexity.1 > largest.complexity.1 {
                largest.complexity = current.complexity;
            }
        })?;
        largest.table_changes = changes;
        Ok(largest)
    }
}

/// Returns how much an instruction adds to the complexity of its function: 50 for control flow, 4
/// to 14 for references and conversions, 3 for loads, 2 for stores and arithmetic, 1 otherwise.
///
/// Source: `wasm_function_complexity` in dfinity/ic, `rs/embedders/src/wasm_utils/validation.rs`.
fn weight(operator: &Operator<'_>) -> u64 {
    use Operator as O;
    match operator {
        O::Block { .. } | O::Loop { .. } | O::If { .. } | O::Br { .. } | O::BrIf { .. } => 50,
        O::BrTable { .. } | O::Call { .. } | O::CallIndirect { .. } | O::MemoryGrow { .. } => 50,
        O::TableGet { .. } => 14,
        O::RefFunc { .. } => 8,
        O::RefIsNull => 6,
        O::I32TruncF32S | O::I32TruncF32U | O::I32TruncF64S | O::I32TruncF64U => 5,
        O::I64TruncF32S | O::I64TruncF32U | O::I64TruncF64S | O::I64TruncF64U => 5,
        O::I64ExtendI32S | O::I64ExtendI32U | O::F32DemoteF64 => 5,
        O::F32ConvertI32S | O::F32ConvertI32U | O::F32ConvertI64S | O::F32ConvertI64U => 5,
        O::F64ConvertI32S | O::F64ConvertI32U | O::F64ConvertI64S | O::F64ConvertI64U => 5,
        O::F32Neg | O::F32Abs | O::F64Neg | O::F64Abs | O::MemoryCopy { .. } => 4,
        O::F32Copysign | O::F64Copysign | O::F64Eq | O::MemoryFill { .. } => 3,
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => 3,
        O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => 3,
        O::I32Load { .. } | O::I64Load { .. } | O::F32Load { .. } | O::F64Load { .. } => 3,
        O::I32Load8S { .. } | O::I32Load8U { .. } => 3,
        O::I32Load16S { .. } | O::I32Load16U { .. } => 3,
        O::I64Load8S { .. } | O::I64Load8U { .. } => 3,
        O::I64Load16S { .. } | O::I64Load16U { .. } => 3,
        O::I64Load32S { .. } | O::I64Load32U { .. } => 3,
        O::I32TruncSatF32S | O::I32TruncSatF32U | O::I32TruncSatF64S | O::I32TruncSatF64U => 3,
        O::I64TruncSatF32S | O::I64TruncSatF32U | O::I64TruncSatF64S | O::I64TruncSatF64U => 3,
        O::GlobalGet { .. } | O::Select | O::MemorySize { .. } | O::I32Popcnt | O::I64Popcnt => 2,
        O::I32Store { .. } | O::I32Store8 { .. } | O::I32Store16 { .. } => 2,
        O::I64Store { .. } | O::I64Store8 { .. } | O::I64Store16 { .. } => 2,
        O::I64Store32 { .. } | O::F32Store { .. } | O::F64Store { .. } => 2,
        O::I32Eqz | O::I32Eq | O::I32Ne | O::I32LtS | O::I32LtU | O::I32GtS | O::I32GtU => 2,
        O::I32LeS | O::I32LeU | O::I32GeS | O::I32GeU => 2,
        O::I64Eqz | O::I64Eq | O::I64Ne | O::I64LtS | O::I64LtU | O::I64GtS | O::I64GtU => 2,
        O::I64LeS | O::I64LeU | O::I64GeS | O::I64GeU => 2,
        O::F32Eq | O::F32Ne | O::F32Lt | O::F32Gt | O::F32Le | O::F32Ge => 2,
        O::F64Ne | O::F64Lt | O::F64Gt | O::F64Le | O::F64Ge => 2,
        O::F32Ceil | O::F64Ceil | O::F32Floor | O::F64Floor | O::F32Sqrt | O::F64Sqrt => 2,
        O::F32Trunc | O::F64Trunc | O::F64PromoteF32 | O::I32WrapI64 => 2,
        O::I32ReinterpretF32 | O::I64ReinterpretF64 => 2,
        O::F32ReinterpretI32 | O::F64ReinterpretI64 => 2,
        O::I32Extend8S | O::I32Extend16S => 2,
        O::I64Extend8S | O::I64Extend16S | O::I64Extend32S => 2,
        _ => 1,
    }
}

/// Returns the text-format name of an instruction that modifies a wasm table.
fn table_change(operator: &Operator<'_>) -> Option<&'static str> {
    Some(match operator {
        Operator::TableCopy { .. } => "table.copy",
        Operator::TableFill { .. } => "table.fill",
        Operator::TableGrow { .. } => "table.grow",
        Operator::TableInit { .. } => "table.init",
        Operator::TableSet { .. } => "table.set",
        _ => return None,
    })
}

/// Calls `visit` with each instruction and the index of its function.
fn each(module: &Module<'_>, mut visit: impl FnMut(u32, &Operator<'_>)) -> anyhow::Result<()> {
    for number in 0..u32::try_from(module.bodies.len())? {
        let function = module.imported_functions + number;
        let Some(body) = module.body(function) else { continue };
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            visit(function, &operators.read()?);
        }
    }
    Ok(())
}
