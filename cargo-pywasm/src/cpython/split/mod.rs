//! The loop that interprets bytecode, made such that engines keep its variables in registers.
//!
//! Calls between functions of WebAssembly preserve no register in Cranelift, so that a variable which is still
//! wanted behind a call lies in memory from where it is set, whether the call is made or not. Nearly each
//! instruction of Python may call, to free an object for instance, and most do not: what they hand to the next
//! one (where the bytecode goes on, the stack, the frame) went through memory each time. Here such variables are
//! saved before each call and read back behind it, so that nothing is live across a call and where none is made
//! nothing is saved: the live ranges are split (Cooper and Simpson, "Live Range Splitting in a Graph Coloring
//! Register Allocator", 1998, do it within a compiler). LLVM does not, for WebAssembly has no registers.
//!
//! Bytes of an object in, bytes of an object out.

mod flow;
mod object;

use wasm_encoder::{Encode as _, Instruction, MemArg, MemArgTarget};
use wasmparser::ValType;

use self::flow::{Flow, Kind};
use self::object::Object;

/// The function.
const LOOP: &str = "_PyEval_EvalFrameDefault";

/// A loop that dispatches has at least so many ways to go on.
const LEAST_WAYS: usize = 64;
/// What is handed on is set by at least so many instructions; what few set is worth no save at each call.
const LEAST_SETS: usize = 100;
/// Bytes of a variable that is saved.
const SLOT: u32 = 4;
/// The C stack is aligned to so many bytes.
const ALIGNMENT: u32 = 16;

/// Splits the live ranges in the object of `Python/ceval.c`; the reason where it is not as expected, and has to
/// stay as it is.
pub(super) fn split(object: &[u8]) -> Result<Vec<u8>, String> {
    let object = Object::read(object, LOOP)?;
    let flow = Flow::read(&object.ty, &object.body)?;
    let frame = Frame::find(&flow)?;
    let saved = handed_on(&flow)?;
    let size = u32::try_from(saved.len()).unwrap_or(u32::MAX).saturating_mul(SLOT);
    let slots = u32::try_from(frame.size).map_err(|it| it.to_string())?;
    let grown = slots
        .checked_add(size.next_multiple_of(ALIGNMENT))
        .and_then(|size| i32::try_from(size).ok())
        .ok_or("its frame is too large")?;
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
        let live = if flow.kinds[at] == Kind::Call { flow.live_behind(at) } else { 0 };
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

/// Where a variable is kept while a call is made.
struct Slot {
    frame: u32,
    local: u32,
    offset: u64,
}

impl Slot {
    fn place(&self) -> MemArg {
        MemArg { offset: self.offset, align: 2, target: MemArgTarget::Memory(0), ordering: None }
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

/// What the function has of the C stack, as clang begins and ends functions.
struct Frame {
    /// The variable that holds its address.
    pointer: u32,
    /// How many bytes.
    size: i32,
    /// The instructions that say how many.
    sizes: Vec<usize>,
}

impl Frame {
    fn find(flow: &Flow) -> Result<Self, String> {
        let kinds = &flow.kinds;
        // Where the variable that the address is computed in is used for something else later, clang hands it
        // on to one that stays.
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
            _ => return Err("it does not begin with its frame on the C stack".to_owned()),
        };
        if *set != Kind::GlobalSet(stack) || flow.sets(pointer) != 1 || size < 0 {
            return Err("its frame on the C stack is not one for all of it".to_owned());
        }
        let mut sizes = vec![1];
        let ends = [Kind::Get(pointer), Kind::Const(size), Kind::Add, Kind::GlobalSet(stack)];
        for (at, kind) in kinds.iter().enumerate().skip(begins) {
            if *kind != Kind::GlobalSet(stack) {
                continue;
            }
            if kinds[at - 3..=at] != ends {
                return Err("it ends with another frame than it begins with".to_owned());
            }
            sizes.push(at - 2);
        }
        Ok(Self { pointer, size, sizes })
    }
}

/// The variables that one instruction of Python hands to the next: those that are live where the loop
/// dispatches, and that many instructions set.
fn handed_on(flow: &Flow) -> Result<Vec<u32>, String> {
    let (dispatch, _) = flow
        .widest()
        .filter(|(_, ways)| *ways >= LEAST_WAYS)
        .ok_or("it does not dispatch by a table")?;
    let live = flow.live_behind(dispatch);
    let count = u32::try_from(flow.locals.len()).map_err(|it| it.to_string())?;
    let handed = (0..count).filter(|local| {
        live >> local & 1 == 1
            && flow.locals[*local as usize] == ValType::I32
            && flow.sets(*local) >= LEAST_SETS
    });
    Ok(handed.collect())
}

#[cfg(test)]
mod tests;
