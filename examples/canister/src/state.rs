//! What survives an upgrade: all of it lies in stable memory.

use std::cell::RefCell;

use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{Cell, DefaultMemoryImpl, Memory as _};

type Memory = VirtualMemory<DefaultMemoryImpl>;

/// The version of what lies in stable memory. A canister that reads another one must not touch it.
const VERSION: u32 = 1;

/// Memories of the manager, which keep their numbers for ever.
const VERSION_MEMORY: MemoryId = MemoryId::new(0);
const COUNTER_MEMORY: MemoryId = MemoryId::new(1);
/// Python's files.
const FILES: std::ops::Range<u8> = 200..210;

thread_local! {
    static MANAGER: RefCell<MemoryManager<DefaultMemoryImpl>> =
        RefCell::new(MemoryManager::init(DefaultMemoryImpl::default()));
    static VERSION_CELL: RefCell<Cell<u32, Memory>> = RefCell::new(Cell::init(memory(VERSION_MEMORY), VERSION));
    static COUNTER: RefCell<Cell<u64, Memory>> = RefCell::new(Cell::init(memory(COUNTER_MEMORY), 0));
}

fn memory(id: MemoryId) -> Memory {
    MANAGER.with_borrow(|manager| manager.get(id))
}

/// What the manager of memories begins stable memory with. Where it finds something else, it begins anew.
const MAGIC: [u8; 3] = *b"MGR";

/// What a cell begins its memory with; it, too, begins anew over anything else.
const CELL: [u8; 3] = *b"SCL";

/// Opens what is there, before anything is written.
///
/// # Errors
/// When it is of another version, or somebody else's.
pub(crate) fn open() -> Result<(), String> {
    let mut magic = MAGIC;
    if ic_cdk::stable::stable_size() > 0 {
        ic_cdk::stable::stable_read(0, &mut magic);
    }
    let has_cell = |id: &MemoryId| {
        let (memory, mut magic) = (memory(*id), CELL);
        if memory.size() > 0 {
            memory.read(0, &mut magic);
        }
        magic == CELL
    };
    if magic != MAGIC || ![VERSION_MEMORY, COUNTER_MEMORY].iter().all(has_cell) {
        return Err("stable memory has something that this canister did not write".to_owned());
    }
    let found = VERSION_CELL.with_borrow(|cell| *cell.get());
    if found == VERSION {
        return Ok(());
    }
    Err(format!(
        "stable memory is of version {found}, and this canister reads version {VERSION} only"
    ))
}

/// Gives Python its files, its clock and its random numbers.
pub(crate) fn open_files(seed: &[u8]) {
    MANAGER.with_borrow(|manager| {
        ic_wasi_polyfill::init_with_memory_manager(seed, &[], manager, FILES);
    });
}

/// The counter.
pub(crate) fn counter() -> u64 {
    COUNTER.with_borrow(|cell| *cell.get())
}

/// Stores the counter.
pub(crate) fn set_counter(value: u64) {
    COUNTER.with_borrow_mut(|cell| cell.set(value));
}
