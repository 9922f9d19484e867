//! What stands in functions: who calls whom, and how large they are. Read only where it is asked for.

use wasmparser::Operator;

use super::module::Module;

/// Calls and references between functions, the callers of each sorted.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Callee and caller, sorted.
    edges: Vec<(u32, u32)>,
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
            if let Operator::Call { function_index: callee }
            | Operator::ReturnCall { function_index: callee }
            | Operator::RefFunc { function_index: callee } = operator
                // Most calls of a function follow another of the same.
                && edges.last() != Some(&(*callee, caller))
            {
                edges.push((*callee, caller));
            }
        })?;
        edges.sort_unstable();
        edges.dedup();
        Ok(Self { edges })
    }

    /// Who calls a function, sorted.
    pub(super) fn callers(&self, function: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.edges.partition_point(|(callee, _)| *callee < function);
        self.edges[from..]
            .iter()
            .take_while(move |(callee, _)| *callee == function)
            .map(|(_, caller)| *caller)
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
