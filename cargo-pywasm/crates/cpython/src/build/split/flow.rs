//! The control flow of a wasm function, and the liveness of the function's variables.
//!
//! The function must come from an object that was validated without the WebAssembly proposals that
//! add control-flow instructions.

use wasmparser::{FuncType, FunctionBody, Operator, ValType};

/// The maximum number of variables in a function. The function with CPython's bytecode loop has
/// about twenty.
const MAX_LOCALS: u32 = 128;

/// The part of an instruction that the analysis needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Get(u32),
    /// `local.set` and `local.tee`.
    Set(u32),
    Call,
    GlobalGet(u32),
    GlobalSet(u32),
    Const(i32),
    Add,
    Sub,
    Other,
}

/// A function with its control flow.
#[derive(Debug)]
pub(super) struct Flow {
    /// The types of the parameters and variables.
    pub(super) locals: Vec<ValType>,
    pub(super) kinds: Vec<Kind>,
    /// The offset of each instruction in the file, followed by the end of the last instruction.
    pub(super) starts: Vec<usize>,
    /// The possible successors of each instruction.
    next: Vec<Vec<usize>>,
    /// For each instruction, a bit set of the variables that are live before it.
    live: Vec<u128>,
}

impl Flow {
    /// Reads a function.
    ///
    /// # Errors
    /// When the function is malformed or has too many variables. The error string states the
    /// reason.
    pub(super) fn read(ty: &FuncType, body: &FunctionBody<'_>) -> Result<Self, String> {
        let broken = |error: wasmparser::Error| format!("the code is malformed: {error}");
        let mut locals = ty.params().to_vec();
        for group in body.get_locals_reader().map_err(broken)? {
            let (count, ty) = group.map_err(broken)?;
            if count > MAX_LOCALS || locals.len() as u32 + count > MAX_LOCALS {
                return Err(format!("the function has more than {MAX_LOCALS} variables"));
            }
            locals.extend(std::iter::repeat_n(ty, count as usize));
        }
        let mut builder = Builder::default();
        let mut reader = body.get_operators_reader().map_err(broken)?;
        while !reader.eof() {
            let start = reader.original_position();
            let operator = reader.read().map_err(broken)?;
            builder.push(start, &operator)?;
        }
        Ok(builder.finish(locals, body.range().end))
    }

    /// Returns a bit set of the variables that are live after this instruction.
    pub(super) fn live_after(&self, at: usize) -> u128 {
        self.next[at].iter().fold(0, |all, next| all | self.live[*next])
    }

    /// Returns the number of instructions that set a variable.
    pub(super) fn sets(&self, local: u32) -> usize {
        self.kinds.iter().filter(|kind| **kind == Kind::Set(local)).count()
    }

    /// Returns the index of the instruction with the most successors, and the number of its
    /// successors. In an interpreter, this instruction is the dispatch.
    pub(super) fn widest(&self) -> Option<(usize, usize)> {
        let counts = self.next.iter().map(Vec::len).enumerate();
        counts.max_by_key(|(at, count)| (*count, std::cmp::Reverse(*at)))
    }
}

#[derive(Default)]
struct Builder {
    kinds: Vec<Kind>,
    starts: Vec<usize>,
    /// The exits of each instruction. They refer to blocks instead of instructions, because the end
    /// of a block may not be known yet.
    exits: Vec<Exits>,
    /// The enclosing blocks, outermost first.
    open: Vec<usize>,
    blocks: Vec<Block>,
}

/// A block, loop or if.
struct Block {
    is_loop: bool,
    begin: usize,
    /// The first instruction after `else`.
    after_else: Option<usize>,
    end: Option<usize>,
}

#[derive(Default)]
struct Exits {
    falls_through: bool,
    /// The blocks that the instruction branches to.
    branches: Vec<usize>,
    /// The block of an `if`. If the condition is false, control continues at the block's `else` or
    /// end.
    skips: Option<usize>,
    /// The block of an `else`. Control that reaches the `else` continues at the end of the block.
    ends: Option<usize>,
}

impl Builder {
    fn push(&mut self, start: usize, operator: &Operator<'_>) -> Result<(), String> {
        let at = self.kinds.len();
        let mut exits = Exits { falls_through: true, ..Exits::default() };
        let mut kind = Kind::Other;
        match operator {
            Operator::Block { .. } => self.open(false, at),
            Operator::Loop { .. } => self.open(true, at),
            Operator::If { .. } => {
                self.open(false, at);
                exits.skips = self.open.last().copied();
            }
            Operator::Else => {
                let block = *self.open.last().ok_or("an `else` is not inside a block")?;
                self.blocks[block].after_else = Some(at + 1);
                (exits.falls_through, exits.ends) = (false, Some(block));
            }
            // The last `end` belongs to the function itself and has no successor.
            Operator::End => match self.open.pop() {
                Some(block) => self.blocks[block].end = Some(at),
                None => exits.falls_through = false,
            },
            Operator::Br { relative_depth } => {
                exits.falls_through = false;
                exits.branches.extend(self.label(*relative_depth));
            }
            Operator::BrIf { relative_depth } => exits.branches.extend(self.label(*relative_depth)),
            Operator::BrTable { targets } => {
                exits.falls_through = false;
                exits.branches.extend(self.label(targets.default()));
                for depth in targets.targets() {
                    exits.branches.extend(self.label(depth.map_err(|it| it.to_string())?));
                }
                exits.branches.sort_unstable();
                exits.branches.dedup();
            }
            Operator::Return | Operator::Unreachable => exits.falls_through = false,
            Operator::LocalGet { local_index } => kind = Kind::Get(*local_index),
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                kind = Kind::Set(*local_index);
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => kind = Kind::Call,
            Operator::GlobalGet { global_index } => kind = Kind::GlobalGet(*global_index),
            Operator::GlobalSet { global_index } => kind = Kind::GlobalSet(*global_index),
            Operator::I32Const { value } => kind = Kind::Const(*value),
            Operator::I32Add => kind = Kind::Add,
            Operator::I32Sub => kind = Kind::Sub,
            // Validation rejects all other control-flow instructions.
            _ => {}
        }
        self.kinds.push(kind);
        self.starts.push(start);
        self.exits.push(exits);
        Ok(())
    }

    fn open(&mut self, is_loop: bool, begin: usize) {
        self.open.push(self.blocks.len());
        self.blocks.push(Block { is_loop, begin, after_else: None, end: None });
    }

    /// Returns the block that a branch targets, or `None` if the branch leaves the function.
    fn label(&self, depth: u32) -> Option<usize> {
        let depth = usize::try_from(depth).ok()?;
        self.open.len().checked_sub(depth + 1).map(|at| self.open[at])
    }

    fn finish(self, locals: Vec<ValType>, end: usize) -> Flow {
        let Self { kinds, mut starts, exits, blocks, .. } = self;
        let last = kinds.len().saturating_sub(1);
        let end_of = |block: usize| blocks[block].end.unwrap_or(last);
        let next: Vec<Vec<usize>> = exits
            .into_iter()
            .enumerate()
            .map(|(at, exits)| {
                let mut next: Vec<usize> = exits
                    .branches
                    .into_iter()
                    .map(|it| if blocks[it].is_loop { blocks[it].begin + 1 } else { end_of(it) })
                    .collect();
                next.extend(exits.falls_through.then_some(at + 1));
                next.extend(
                    exits.skips.map(|it| blocks[it].after_else.unwrap_or_else(|| end_of(it))),
                );
                next.extend(exits.ends.map(end_of));
                next.sort_unstable();
                next.dedup();
                next
            })
            .collect();
        starts.push(end);
        let live = liveness(&kinds, &next);
        Flow { locals, kinds, starts, next, live }
    }
}

/// Returns the variables that are live before each instruction. This backward data-flow analysis
/// repeats until nothing changes. The number of repetitions grows with the nesting depth of loops.
fn liveness(kinds: &[Kind], next: &[Vec<usize>]) -> Vec<u128> {
    let mut live = vec![0_u128; kinds.len()];
    loop {
        let mut changed = false;
        for at in (0..kinds.len()).rev() {
            let after = next[at].iter().fold(0, |all, next| all | live[*next]);
            let here = match kinds[at] {
                Kind::Get(local) => after | 1 << local,
                Kind::Set(local) => after & !(1 << local),
                _ => after,
            };
            changed |= live[at] != here;
            live[at] = here;
        }
        if !changed {
            return live;
        }
    }
}
