//! The state that survives an upgrade. All of it is in stable memory.

use std::cell::RefCell;

use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};
use ic_stable_structures::{Cell, DefaultMemoryImpl, Memory as _};

type Memory = VirtualMemory<DefaultMemoryImpl>;

/// The version of the stable memory format. A canister must not change memory that has a different
/// version.
const VERSION: u32 = 1;

// Identifiers of virtual memories. These numbers must never change.
const VERSION_MEMORY: MemoryId = MemoryId::new(0);
const COUNTER_MEMORY: MemoryId = MemoryId::new(1);
/// The virtual memories that contain Python's files.
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

/// The first bytes of a memory manager's header. `MemoryManager::init` overwrites a memory that
/// begins with different bytes.
const MANAGER_MAGIC: [u8; 3] = *b"MGR";

/// The first bytes of a cell's header. `Cell::init` overwrites a memory that begins with different
/// bytes.
const CELL_MAGIC: [u8; 3] = *b"SCL";

/// Checks that stable memory is empty or has the format version `VERSION`. Call this function
/// before anything is written.
///
/// # Errors
/// If stable memory has a different format version, or was written by a different canister.
pub(crate) fn open() -> Result<(), String> {
    let mut magic = MANAGER_MAGIC;
    if ic_cdk::stable::stable_size() > 0 {
        ic_cdk::stable::stable_read(0, &mut magic);
    }
    let has_cell = |id: &MemoryId| {
        let (memory, mut magic) = (memory(*id), CELL_MAGIC);
        if memory.size() > 0 {
            memory.read(0, &mut magic);
        }
        magic == CELL_MAGIC
    };
    if magic != MANAGER_MAGIC || ![VERSION_MEMORY, COUNTER_MEMORY].iter().all(has_cell) {
        return Err("stable memory contains data that this canister did not write".to_owned());
    }
    let found = VERSION_CELL.with_borrow(|cell| *cell.get());
    if found == VERSION {
        return Ok(());
    }
    Err(format!(
        "stable memory has version {found}, but this canister reads only version {VERSION}"
    ))
}

/// Initializes the WASI polyfill, which provides Python with files, a clock and random numbers.
pub(crate) fn open_files(seed: &[u8]) {
    MANAGER.with_borrow(|manager| {
        ic_wasi_polyfill::init_with_memory_manager(seed, &[], manager, FILES);
    });
}

/// Returns the counter.
pub(crate) fn counter() -> u64 {
    COUNTER.with_borrow(|cell| *cell.get())
}

/// Stores the counter.
pub(crate) fn set_counter(value: u64) {
    COUNTER.with_borrow_mut(|cell| cell.set(value));
}
