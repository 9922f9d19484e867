//! Data packed: what memory holds at first is compressed in the module, and unpacked by its start function.

use anyhow::Context;
use walrus::ir::{Visitor, dfs_in_order};
use walrus::{ConstExpr, DataId, DataKind, GlobalKind, MemoryId, Module, ValType};

use super::emit::emit;

mod lz4;
mod lzma;
mod packing;
mod read;
mod unpack;

pub use packing::Packing;
pub(crate) use read::Cost;
pub use read::Unpacked;

/// The memory from the first to the last byte of data is so many times the data, or packing it takes more
/// time than it is worth.
const MOST_ZEROS: u64 = 64;
/// What lies on the C stack is aligned to so many bytes.
const ALIGNMENT: u32 = 16;

/// A module whose data may be packed.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The module.
    pub module: Vec<u8>,
    /// Bytes of memory that are unpacked at the start; 0 where nothing was packed.
    pub unpacked: usize,
    /// Bytes that they take in the module.
    pub packed: usize,
    /// Why nothing was packed.
    pub reason: Option<String>,
}

/// Packs the data of a module, where that makes it smaller. The start function unpacks it before
/// anything else runs, in place: it uses the C stack for the packed bytes, and clears it again.
///
/// A module that is packed comes out as it came in.
///
/// # Errors
/// When the module is broken.
pub fn pack(bytes: &[u8], packing: Packing) -> anyhow::Result<Packed> {
    let module = Module::from_buffer(bytes).context("it is not a module that can be changed")?;
    let left = |reason: &str| {
        let reason = Some(reason.to_owned());
        Ok(Packed { module: bytes.to_vec(), unpacked: 0, packed: 0, reason })
    };
    let image = match Image::read(&module) {
        Ok(image) => image,
        Err(reason) => return left(reason),
    };
    let done = match image.pack(module, packing)? {
        Ok(done) => done,
        Err(reason) => return left(reason),
    };
    if done.module.len() >= bytes.len() {
        return left("packed, it would be larger");
    }
    Ok(done)
}

/// The part of memory that data segments fill.
struct Image {
    memory: MemoryId,
    segments: Vec<DataId>,
    /// The address of its first byte.
    start: u32,
    /// The address behind its last.
    end: u32,
    bytes: Vec<u8>,
    /// Bytes below it, from address 0: the C stack.
    stack: u32,
}

impl Image {
    /// The reason where a module has none that could be packed.
    fn read(module: &Module) -> Result<Self, &'static str> {
        let mut memories = module.memories.iter();
        let (Some(memory), None) = (memories.next(), memories.next()) else {
            return Err("it has no memory, or several");
        };
        if memory.import.is_some() || memory.memory64 || memory.shared {
            return Err("its memory is not its own, or not of 32 bits");
        }
        let mut segments = Vec::new();
        for data in module.data.iter() {
            match &data.kind {
                DataKind::Active {
                    offset: ConstExpr::Value(walrus::ir::Value::I32(at)), ..
                } => {
                    segments.push((at.cast_unsigned(), data));
                }
                DataKind::Active { .. } => return Err("the address of its data is computed"),
                DataKind::Passive => return Err("it has passive data, as one that is packed has"),
            }
        }
        if names_data(module) {
            return Err("its functions name data segments");
        }
        segments.sort_by_key(|(at, _)| *at);
        let Some((start, _)) = segments.first() else { return Err("it has no data") };
        let start = *start;
        // The linker puts the stack first (`--stack-first`, as rustc has it): its pointer is the first
        // variable global, and starts at the end of the stack.
        let stack = module.globals.iter().find_map(|global| match &global.kind {
            GlobalKind::Local(ConstExpr::Value(walrus::ir::Value::I32(top)))
                if global.mutable && global.ty == ValType::I32 =>
            {
                Some(top.cast_unsigned())
            }
            _ => None,
        });
        let stack = stack.filter(|top| *top > 0 && *top <= start);
        let Some(stack) = stack else { return Err("it has no C stack below its data") };
        let mut end = u64::from(start);
        for (at, data) in &segments {
            if u64::from(*at) < end {
                return Err("its data segments overlap");
            }
            end = u64::from(*at) + data.value.len() as u64;
        }
        if end > memory.initial << 16 {
            return Err("its data does not fit into its memory");
        }
        let Ok(end_at) = u32::try_from(end) else {
            return Err("its data ends where addresses do");
        };
        let (length, given) =
            (end - u64::from(start), segments.iter().map(|(_, it)| it.value.len()));
        if length > given.sum::<usize>() as u64 * MOST_ZEROS {
            return Err("its data lies too far apart");
        }
        // lz4 does not come back from nothing.
        if length == 0 {
            return Err("it has no data");
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| "its data is too large")?];
        for (at, data) in &segments {
            let at = (*at - start) as usize;
            bytes[at..at + data.value.len()].copy_from_slice(&data.value);
        }
        let segments = segments.iter().map(|(_, data)| data.id()).collect();
        Ok(Self { memory: memory.id(), segments, start, end: end_at, bytes, stack })
    }

    /// Packs it in its module, whether that makes it smaller or not; the reason where it can't be.
    fn pack(
        &self,
        mut module: Module,
        packing: Packing,
    ) -> anyhow::Result<Result<Packed, &'static str>> {
        let packed = packing.compress(&self.bytes)?;
        if !packing.is_read(packed.len(), self.bytes.len()) {
            return Ok(Err("packed, it would be too small a part of what it unpacks to"));
        }
        let size = packed.len();
        let fitting = u32::try_from(size).ok().filter(|length| *length <= self.stack);
        let placed = fitting.and_then(|length| {
            let room = packing.room(length);
            Some((length, room, self.stack.checked_sub(room)? & !(ALIGNMENT - 1)))
        });
        let Some((length, room, place)) = placed else {
            return Ok(Err("the packed data does not fit on the C stack"));
        };
        for id in &self.segments {
            module.data.delete(*id);
        }
        let blob = module.data.add(DataKind::Passive, packed);
        let at = unpack::Places { place, length, target: self.start, end: self.end };
        let unpacker = unpack::Unpacker { memory: self.memory, blob, packing, room, at };
        module.start = Some(unpacker.function(&mut module));
        let (module, unpacked) = (emit(&mut module)?, self.bytes.len());
        Ok(Ok(Packed { module, unpacked, packed: size, reason: None }))
    }
}

/// Whether a function copies from a segment, or drops one.
fn names_data(module: &Module) -> bool {
    struct Found(bool);
    impl<'instr> Visitor<'instr> for Found {
        fn visit_data_id(&mut self, _: &DataId) {
            self.0 = true;
        }
    }
    let mut found = Found(false);
    for (_, function) in module.funcs.iter_local() {
        dfs_in_order(&mut found, function, function.entry_block());
    }
    found.0
}

#[cfg(test)]
mod tests;
