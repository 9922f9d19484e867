//! What stands in functions: who calls whom, and how large they are. Read only where it is asked for.

use wasmparser::Operator;

use super::module::Module;

/// Calls and references between functions.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Caller, callee, and whether it is called rather than referred to; sorted.
    edges: Vec<(u32, u32, bool)>,
}

/// The largest functions of a module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Largest {
    /// Function and how many instructions it has.
    pub(super) instructions: (u32, u64),
    /// Function and its complexity.
    pub(super) complexity: (u32, u64),
}

/// What a block, a branch and a call count.
const HEAVY: u64 = 50;

impl Calls {
    /// Reads all functions.
    ///
    /// # Errors
    /// When code is broken.
    pub(super) fn read(module: &Module<'_>) -> anyhow::Result<Self> {
        let mut edges = Vec::new();
        each(module, |caller, operator| {
            let edge = match operator {
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    (caller, *function_index, true)
                }
                Operator::RefFunc { function_index } => (caller, *function_index, false),
                _ => return,
            };
            // Most calls of a function follow another of the same.
            if edges.last() != Some(&edge) {
                edges.push(edge);
            }
        })?;
        edges.sort_unstable();
        edges.dedup();
        Ok(Self { edges })
    }

    /// What a function calls or refers to, sorted.
    pub(super) fn of(&self, function: u32) -> impl Iterator<Item = u32> + '_ {
        self.edges_of(function).map(|(_, callee, _)| *callee)
    }

    /// What a function calls, sorted.
    pub(super) fn called_by(&self, function: u32) -> impl Iterator<Item = u32> + '_ {
        self.edges_of(function).filter(|(.., called)| *called).map(|(_, callee, _)| *callee)
    }

    fn edges_of(&self, function: u32) -> impl Iterator<Item = &(u32, u32, bool)> {
        let from = self.edges.partition_point(|(caller, ..)| *caller < function);
        self.edges[from..].iter().take_while(move |(caller, ..)| *caller == function)
    }
}

impl Largest {
    /// Reads all functions.
    ///
    /// # Errors
    /// When code is broken.
    pub(super) fn read(module: &Module<'_>) -> anyhow::Result<Self> {
        let (mut largest, mut current) = (Self::default(), Self::default());
        each(module, |function, operator| {
            if current.instructions.0 != function {
                current = Self { instructions: (function, 0), complexity: (function, 0) };
            }
            current.instructions.1 += 1;
            if is_heavy(operator) {
                current.complexity.1 += HEAVY;
            }
            if current.instructions.1 > largest.instructions.1 {
                largest.instructions = current.instructions;
            }
            if current.complexity.1 > largest.complexity.1 {
                largest.complexity = current.complexity;
            }
        })?;
        Ok(largest)
    }
}

fn is_heavy(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
    )
}

fn each(module: &Module<'_>, mut see: impl FnMut(u32, &Operator<'_>)) -> anyhow::Result<()> {
    for number in 0..u32::try_from(module.bodies.len())? {
        let function = module.imported_functions + number;
        let Some(body) = module.body(function) else { continue };
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            see(function, &operators.read()?);
        }
    }
    Ok(())
}
