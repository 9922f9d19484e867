//! What happens between the instructions of a function: where control goes, and which variables are read
//! before they are set again. The function is one of an object that was validated, without proposals that
//! add to the ways control goes.

use wasmparser::{FuncType, FunctionBody, Operator, ValType};

/// More variables than this are not looked at; the loop of CPython has some twenty.
const MOST_LOCALS: u32 = 128;

/// An instruction, as far as it matters here.
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

/// A function, taken apart.
#[derive(Debug)]
pub(super) struct Flow {
    /// The types of parameters and variables.
    pub(super) locals: Vec<ValType>,
    pub(super) kinds: Vec<Kind>,
    /// Where each begins, in what the body was read from; behind them, the end.
    pub(super) starts: Vec<usize>,
    /// The instructions that may come next.
    next: Vec<Vec<usize>>,
    /// The variables that are read from here on before they are set, as bits.
    live: Vec<u128>,
}

impl Flow {
    /// Reads a function; the reason where that can't be.
    pub(super) fn read(ty: &FuncType, body: &FunctionBody<'_>) -> Result<Self, String> {
        let broken = |why: wasmparser::Error| format!("its code is broken: {why}");
        let mut locals = ty.params().to_vec();
        for group in body.get_locals_reader().map_err(broken)? {
            let (count, ty) = group.map_err(broken)?;
            if count > MOST_LOCALS || locals.len() as u32 + count > MOST_LOCALS {
                return Err(format!("it has more than {MOST_LOCALS} variables"));
            }
            locals.extend(std::iter::repeat_n(ty, count as usize));
        }
        let mut builder = Builder::default();
        let mut reader = body.get_operators_reader().map_err(broken)?;
        while !reader.eof() {
            let start = usize::try_from(reader.original_position()).map_err(|it| it.to_string())?;
            let operator = reader.read().map_err(broken)?;
            builder.push(start, &operator)?;
        }
        let end = usize::try_from(body.range().end).map_err(|it| it.to_string())?;
        Ok(builder.finish(locals, end))
    }

    /// Which variables are read behind this instruction before they are set.
    pub(super) fn live_behind(&self, at: usize) -> u128 {
        self.next[at].iter().fold(0, |all, next| all | self.live[*next])
    }

    /// How many instructions set a variable.
    pub(super) fn sets(&self, local: u32) -> usize {
        self.kinds.iter().filter(|kind| **kind == Kind::Set(local)).count()
    }

    /// The instruction that has the most ways to go on: where an interpreter dispatches.
    pub(super) fn widest(&self) -> Option<(usize, usize)> {
        let ways = self.next.iter().map(Vec::len).enumerate();
        ways.max_by_key(|(at, ways)| (*ways, std::cmp::Reverse(*at)))
    }
}

#[derive(Default)]
struct Builder {
    kinds: Vec<Kind>,
    starts: Vec<usize>,
    /// Where control goes, as the labels of blocks that may not have ended yet.
    ways: Vec<Way>,
    /// The blocks that one is in, from the outermost.
    open: Vec<usize>,
    blocks: Vec<Block>,
}

/// Where a branch to a block goes.
struct Block {
    is_loop: bool,
    begin: usize,
    /// The instruction behind `else`.
    other: Option<usize>,
    end: Option<usize>,
}

#[derive(Default)]
struct Way {
    falls_through: bool,
    /// Blocks that are branched to.
    to: Vec<usize>,
    /// The block whose `else`, or end, is gone to.
    skips: Option<usize>,
    /// The block whose end is gone to, from before its `else`.
    ends: Option<usize>,
}

impl Builder {
    fn push(&mut self, start: usize, operator: &Operator<'_>) -> Result<(), String> {
        let at = self.kinds.len();
        let mut way = Way { falls_through: true, ..Way::default() };
        let mut kind = Kind::Other;
        match operator {
            Operator::Block { .. } => self.open(false, at),
            Operator::Loop { .. } => self.open(true, at),
            Operator::If { .. } => {
                self.open(false, at);
                way.skips = self.open.last().copied();
            }
            Operator::Else => {
                let block = *self.open.last().ok_or("an `else` has no block")?;
                self.blocks[block].other = Some(at + 1);
                (way.falls_through, way.ends) = (false, Some(block));
            }
            // The last one ends the function, and has nothing behind it.
            Operator::End => match self.open.pop() {
                Some(block) => self.blocks[block].end = Some(at),
                None => way.falls_through = false,
            },
            Operator::Br { relative_depth } => {
                way.falls_through = false;
                way.to.extend(self.label(*relative_depth));
            }
            Operator::BrIf { relative_depth } => way.to.extend(self.label(*relative_depth)),
            Operator::BrTable { targets } => {
                way.falls_through = false;
                way.to.extend(self.label(targets.default()));
                for depth in targets.targets() {
                    way.to.extend(self.label(depth.map_err(|it| it.to_string())?));
                }
                way.to.sort_unstable();
                way.to.dedup();
            }
            Operator::Return | Operator::Unreachable => way.falls_through = false,
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
            // Other ways to go on are features that the object was validated without.
            _ => {}
        }
        self.kinds.push(kind);
        self.starts.push(start);
        self.ways.push(way);
        Ok(())
    }

    fn open(&mut self, is_loop: bool, begin: usize) {
        self.open.push(self.blocks.len());
        self.blocks.push(Block { is_loop, begin, other: None, end: None });
    }

    /// The block that a branch leaves; none is the function.
    fn label(&self, depth: u32) -> Option<usize> {
        let depth = usize::try_from(depth).ok()?;
        self.open.len().checked_sub(depth + 1).map(|at| self.open[at])
    }

    fn finish(self, locals: Vec<ValType>, end: usize) -> Flow {
        let Self { kinds, mut starts, ways, blocks, .. } = self;
        let last = kinds.len().saturating_sub(1);
        let end_of = |block: usize| blocks[block].end.unwrap_or(last);
        let next: Vec<Vec<usize>> = ways
            .into_iter()
            .enumerate()
            .map(|(at, way)| {
                let mut next: Vec<usize> = way
                    .to
                    .into_iter()
                    .map(|it| if blocks[it].is_loop { blocks[it].begin + 1 } else { end_of(it) })
                    .collect();
                next.extend(way.falls_through.then_some(at + 1));
                next.extend(way.skips.map(|it| blocks[it].other.unwrap_or_else(|| end_of(it))));
                next.extend(way.ends.map(end_of));
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

/// Which variables are read from each instruction on before they are set: what is known grows until nothing
/// more is found, which takes as many rounds as loops are nested, and a few.
fn liveness(kinds: &[Kind], next: &[Vec<usize>]) -> Vec<u128> {
    let mut live = vec![0_u128; kinds.len()];
    loop {
        let mut changed = false;
        for at in (0..kinds.len()).rev() {
            let behind = next[at].iter().fold(0, |all, next| all | live[*next]);
            let here = match kinds[at] {
                Kind::Get(local) => behind | 1 << local,
                Kind::Set(local) => behind & !(1 << local),
                _ => behind,
            };
            changed |= live[at] != here;
            live[at] = here;
        }
        if !changed {
            return live;
        }
    }
}
