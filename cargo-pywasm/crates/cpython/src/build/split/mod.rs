//! Splits the live ranges of CPython's bytecode loop, so that engines keep the loop's variables in
//! registers.
//!
//! In Cranelift, calls between wasm functions preserve no registers. A variable that is live across
//! a call is therefore kept in memory from the point where it is set, even on paths that do not
//! make the call. Nearly every Python instruction can make a call, for example to free an object,
//! but usually does not. Without this pass, the variables that one Python instruction passes to the
//! next (the next bytecode, the stack, the frame) are thus written to memory and read back each
//! time.
//!
//! This pass saves these variables on the C stack before each call and restores them after the
//! call. As a result, none of these variables is live across a call, and paths without calls save
//! nothing. (Cooper and Simpson describe this optimization for compilers in *Live Range Splitting
//! in a Graph Coloring Register Allocator*, 1998. LLVM cannot apply it, because WebAssembly has no
//! registers.)
//!
//! The input and the output are the bytes of an object file.

mod flow;
mod object;

use wasm_encoder::{Encode as _, Instruction, MemArg};
use wasmparser::ValType;

use self::flow::{Flow, Kind};
use self::object::Object;

/// The C function that contains the bytecode loop.
const LOOP: &str = "_PyEval_EvalFrameDefault";

/// The minimum number of successors that the dispatch instruction must have.
const MIN_TARGETS: usize = 64;
/// The minimum number of instructions that must set a variable to make it worth saving at calls.
const MIN_SETS: usize = 100;
/// The size of a saved variable in bytes.
const SLOT: u32 = 4;
/// The alignment of the C stack in bytes.
const ALIGNMENT: u32 = 16;

/// Splits the live ranges in the object of `Python/ceval.c`.
///
/// # Errors
/// When the object does not have the expected form. The error string states the reason. The caller
/// then uses the object unchanged.
pub(super) fn split(object: &[u8]) -> Result<Vec<u8>, String> {
    let object = Object::read(object, LOOP)?;
    let flow = Flow::read(&object.ty, &object.body)?;
    let frame = Frame::find(&flow)?;
    let saved = passed_on(&flow)?;
    let size = u32::try_from(saved.len()).unwrap_or(u32::MAX).saturating_mul(SLOT);
    let slots = u32::try_from(frame.size).map_err(|it| it.to_string())?;
    let grown = slots
        .checked_add(size.next_multiple_of(ALIGNMENT))
        .and_then(|size| i32::try_from(size).ok())
        .ok_or("the function's frame is too large")?;
    let slot = |local: u32, at: usize| Slot {
        frame: frame.pointer,
        local,
        offset: u64::from(slots) + u64::from(SLOT) * at as u64,
    };
    let saved: Vec<Slot> = saved.into_iter().enumerate().map(|(at, it)| slot(it, at)).collect();
    let mut body = object.rewritten();
    for at in 0..flow.kinds.len() {
        let code = flow.starts[at]..flow.starts[at + 1];
        if frame.sizes.contains(&at) {
            body.replace(code, &encoded(&[Instruction::I32Const(grown)]));
            continue;
        }
        let live = if flow.kinds[at] == Kind::Call { flow.live_after(at) } else { 0 };
        let kept = saved.iter().filter(|slot| live >> slot.local & 1 == 1);
        for slot in kept.clone() {
            body.insert(&slot.save());
        }
        body.copy(code);
        for slot in kept {
            body.insert(&slot.read());
        }
    }
    body.finish()
}

/// The location where a variable is saved on the C stack during a call.
struct Slot {
    frame: u32,
    local: u32,
    offset: u64,
}

impl Slot {
    fn place(&self) -> MemArg {
        MemArg { offset: self.offset, align: 2, memory_index: 0 }
    }

    fn save(&self) -> Vec<u8> {
        let store = Instruction::I32Store(self.place());
        encoded(&[Instruction::LocalGet(self.frame), Instruction::LocalGet(self.local), store])
    }

    fn read(&self) -> Vec<u8> {
        let load = Instruction::I32Load(self.place());
        encoded(&[Instruction::LocalGet(self.frame), load, Instruction::LocalSet(self.local)])
    }
}

fn encoded(instructions: &[Instruction<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for instruction in instructions {
        instruction.encode(&mut bytes);
    }
    bytes
}

/// The function's frame on the C stack, recognized by the code that clang generates to allocate it.
struct Frame {
    /// The variable that contains the frame's address.
    pointer: u32,
    /// The frame's size in bytes.
    size: i32,
    /// The indices of the instructions that contain the size as a constant.
    sizes: Vec<usize>,
}

impl Frame {
    fn find(flow: &Flow) -> Result<Self, String> {
        let kinds = &flow.kinds;
        // The first pattern: if clang later uses the variable in which it computes the frame's
        // address for other values, it copies the address to a second variable.
        let (stack, size, pointer, set, begins) = match kinds.as_slice() {
            [
                Kind::GlobalGet(stack),
                Kind::Const(size),
                Kind::Sub,
                Kind::Set(passing),
                Kind::Set(pointer),
                Kind::Get(again),
                set,
                ..,
            ] if passing == again => (*stack, *size, *pointer, set, 7),
            [Kind::GlobalGet(stack), Kind::Const(size), Kind::Sub, Kind::Set(pointer), set, ..] => {
                (*stack, *size, *pointer, set, 5)
            }
            _ => return Err("the function does not begin by allocating its frame".to_owned()),
        };
        if *set != Kind::GlobalSet(stack) || flow.sets(pointer) != 1 || size < 0 {
            return Err("the function changes its frame after allocating it".to_owned());
        }
        let mut sizes = vec![1];
        let ends = [Kind::Get(pointer), Kind::Const(size), Kind::Add, Kind::GlobalSet(stack)];
        for (at, kind) in kinds.iter().enumerate().skip(begins) {
            if *kind != Kind::GlobalSet(stack) {
                continue;
            }
            if kinds[at - 3..=at] != ends {
                return Err("the function releases a frame that it did not allocate".to_owned());
            }
            sizes.push(at - 2);
        }
        Ok(Self { pointer, size, sizes })
    }
}

/// Returns the variables that one Python instruction passes to the next: those that are live at the
/// dispatch and set by many instructions.
fn passed_on(flow: &Flow) -> Result<Vec<u32>, String> {
    let (dispatch, _) = flow
        .widest()
        .filter(|(_, count)| *count >= MIN_TARGETS)
        .ok_or("the function has no dispatch table")?;
    let live = flow.live_after(dispatch);
    let count = u32::try_from(flow.locals.len()).map_err(|it| it.to_string())?;
    let passed = (0..count).filter(|local| {
        live >> local & 1 == 1
            && flow.locals[*local as usize] == ValType::I32
            && flow.sets(*local) >= MIN_SETS
    });
    Ok(passed.collect())
}

#[cfg(test)]
mod tests;
