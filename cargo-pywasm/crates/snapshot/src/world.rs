//! The host of an initialization: the imports that it provides, and a record of their use.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};
use wasmtime::{Caller, Extern, Linker, Memory, Store, StoreLimits, TypedFunc, WasmBacktrace};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, I32Exit, Rng, WasiCtxBuilder};

use super::form;
use super::open::{FUNCTIONS, OPEN, STAT, STAT_SIZE, WASI};
use pywasm_runtime::{adapter, memory_limit, wasm_error};

/// The time at the start of every initialization: 1980-01-01, the earliest date in a zip file.
/// CPython builds use the same time. Source: reproducible-builds.org, `SOURCE_DATE_EPOCH`.
const EPOCH: u64 = 315_532_800;
/// The maximum length of a path in a message, in bytes.
const LONGEST_PATH: u32 = 4096;
/// The sizes in bytes of Python's hash secret and of a `random.Random` seed. Sources:
/// `_Py_HashSecret_t`, and `N` in Modules/_randommodule.c.
const HASH_SEED: u64 = 24;
const RANDOM_SEED: u64 = 624 * 4;
/// The numbers of random bytes that Python may draw for itself. It draws its hash secret, and the
/// seed of the `random.Random` in the module `random`. This `random.Random` is seeded again when
/// the snapshot starts.
const PYTHON_DRAWS: [u64; 4] = [0, HASH_SEED, RANDOM_SEED, HASH_SEED + RANDOM_SEED];
/// The C function that seeds a `random.Random`.
const RANDOM_SEED_FUNCTION: &str = "random_seed";
const SUCCESS: i32 = 0;
const FAULT: i32 = 21;

/// WASI's `path_open`.
type Open = TypedFunc<(i32, i32, i32, i32, i32, i64, i64, i32, i32), i32>;

/// The state of an initialization's host.
pub(super) struct World {
    wasi: WasiP1Ctx,
    pub(super) limits: StoreLimits,
    random: Source,
    /// The number of random bytes that each function drew. The key is `None` for functions without
    /// a name.
    random_draws: BTreeMap<Option<String>, u64>,
    /// The path of each opened file, by descriptor. Closed files are included.
    opened: BTreeMap<i32, String>,
    /// The output of `ic0.debug_print`.
    printed: String,
    open: Option<Open>,
}

/// The source of random numbers.
enum Source {
    Machine(Box<dyn Rng + Send>),
    /// The SHA-256 of a seed and a counter.
    Seed(u32, u64),
}

impl World {
    pub(super) fn new(mut wasi: WasiCtxBuilder, seed: Option<u32>, max_memory: u64) -> Self {
        wasi.wall_clock(Count::new(EPOCH * 1_000_000_000)).monotonic_clock(Count::new(0));
        let random = seed.map_or_else(
            || Source::Machine(wasmtime_wasi::thread_rng()),
            |seed| Source::Seed(seed, 0),
        );
        Self {
            wasi: wasi.build_p1(),
            limits: memory_limit(Some(max_memory)),
            random,
            random_draws: BTreeMap::new(),
            opened: BTreeMap::new(),
            printed: String::new(),
            open: None,
        }
    }

    /// Returns the functions that drew random numbers and the number of bytes that each drew,
    /// sorted. Python's own draws are not included. All functions without names are counted as one
    /// function.
    pub(super) fn random_draws(&self) -> Vec<(String, u64)> {
        let draws = self.random_draws.iter().filter_map(|(name, bytes)| match name.as_deref() {
            None => {
                let is_other = !PYTHON_DRAWS.contains(bytes);
                is_other.then(|| ("code without names".to_owned(), *bytes))
            }
            // Python itself draws the first seed, for the module `random`.
            Some(RANDOM_SEED_FUNCTION) => {
                let others = bytes.saturating_sub(RANDOM_SEED);
                (others > 0).then(|| ("`random.Random()` without a seed".to_owned(), others))
            }
            Some(name) => Some((format!("`{name}`"), *bytes)),
        });
        draws.collect()
    }

    /// Returns the output of `ic0.debug_print`.
    pub(super) fn printed(&self) -> &str {
        &self.printed
    }
}

/// Returns a linker that defines the functions that a module may call during its initialization.
/// Any other import traps when it is called, and the trap message contains its name.
pub(super) fn linker(
    module: &wasmtime::Module,
    engine: &wasmtime::Engine,
) -> anyhow::Result<Linker<World>> {
    let linked = || -> wasmtime::Result<Linker<World>> {
        let mut linker = Linker::new(engine);
        p1::add_to_linker_sync(&mut linker, |world: &mut World| &mut world.wasi)?;
        linker.allow_shadowing(true);
        linker.func_wrap(WASI, "proc_exit", |code: i32| -> wasmtime::Result<()> {
            Err(I32Exit(code).into())
        })?;
        linker.func_wrap(WASI, "random_get", random_get)?;
        linker.func_wrap(WASI, OPEN, path_open)?;
        // A canister may print, and Python's module `time` reads the time when it is imported.
        linker.func_wrap("ic0", "debug_print", debug_print)?;
        linker.func_wrap("ic0", "time", || EPOCH * 1_000_000_000)?;
        linker.define_unknown_imports_as_traps(module)?;
        Ok(linker)
    };
    linked().map_err(wasm_error)
}

/// Instantiates the adapter module, so that opened files are recorded, and returns its
/// `fd_fdstat_get`.
pub(super) fn watch(
    store: &mut Store<World>,
    memory: Memory,
) -> anyhow::Result<TypedFunc<(i32, i32), i32>> {
    let instance = adapter(&FUNCTIONS, &mut *store, memory, |world: &mut World| &mut world.wasi)
        .map_err(wasm_error)
        .context("cannot record opened files")?;
    let open = instance.get_typed_func(&mut *store, OPEN).map_err(wasm_error)?;
    store.data_mut().open = Some(open);
    instance.get_typed_func::<(i32, i32), i32>(&mut *store, STAT).map_err(wasm_error)
}

/// Returns the files that are open, except for the standard streams and the first `dirs`
/// directories.
pub(super) fn left_open(
    store: &mut Store<World>,
    memory: Memory,
    stat: &TypedFunc<(i32, i32), i32>,
    dirs: usize,
) -> anyhow::Result<Vec<String>> {
    let first = 3 + i32::try_from(dirs)?;
    let last = store.data().opened.keys().last().copied().unwrap_or(first).max(first);
    let mut open = Vec::new();
    // `fd_fdstat_get` writes its result into the memory of the snapshot, so the bytes that it
    // overwrites are restored afterwards.
    let Some(saved) = memory.data(&*store).get(..STAT_SIZE).map(<[u8]>::to_vec) else {
        return Ok(open);
    };
    // A file may reuse the descriptor of a stream or directory that the program closed.
    let reused: Vec<i32> = store.data().opened.range(..first).map(|(fd, _)| *fd).collect();
    for fd in reused.into_iter().chain(first..=last.saturating_add(1)) {
        if stat.call(&mut *store, (fd, 0)).map_err(wasm_error)? == SUCCESS {
            let path = store.data().opened.get(&fd);
            open.push(path.map_or_else(|| format!("descriptor {fd}"), |path| format!("`{path}`")));
        }
    }
    memory.write(&mut *store, 0, &saved).context("the memory is missing")?;
    Ok(open)
}

fn memory(caller: &mut Caller<'_, World>) -> Option<Memory> {
    caller.get_export(form::MEMORY).and_then(Extern::into_memory)
}

/// Returns the address range of the `length` bytes at `at`.
fn range(at: i32, length: i32) -> std::ops::Range<usize> {
    let at = at.cast_unsigned() as usize;
    at..at.saturating_add(length.cast_unsigned() as usize)
}

fn random_get(mut caller: Caller<'_, World>, at: i32, length: i32) -> i32 {
    let Some(memory) = memory(&mut caller) else { return FAULT };
    let function = drawing_function(&caller);
    let (data, world) = memory.data_and_store_mut(&mut caller);
    let Some(bytes) = data.get_mut(range(at, length)) else { return FAULT };
    world.random.fill(bytes);
    if let Some(function) = function {
        *world.random_draws.entry(function).or_default() += bytes.len() as u64;
    }
    SUCCESS
}

/// Returns the name of the function that draws random numbers, or `Some(None)` if the function has
/// no name (the functions of libpython may have none). Returns `None` if Python is drawing its hash
/// seed, because a snapshot keeps this seed on purpose.
fn drawing_function(caller: &Caller<'_, World>) -> Option<Option<String>> {
    const HASH: &str = "_Py_HashRandomization_Init";
    /// Functions that draw random numbers only for their callers.
    const FORWARDING: [&str; 7] = [
        "random_get",
        "getentropy",
        "getrandom",
        "arc4random",
        "pyurandom",
        "py_get",
        "_PyOS_URandom",
    ];
    let trace = WasmBacktrace::capture(caller);
    let names = || trace.frames().iter().map(wasmtime::FrameInfo::func_name);
    let has = |known: &str| names().flatten().any(|name| name.starts_with(known));
    if has(HASH) {
        return None;
    }
    if has(RANDOM_SEED_FUNCTION) {
        return Some(Some(RANDOM_SEED_FUNCTION.to_owned()));
    }
    let forwards = |name: Option<&str>| {
        name.is_some_and(|name| FORWARDING.iter().any(|known| name.contains(known)))
    };
    let name = names().find(|name| !forwards(*name)).flatten();
    Some(name.map(|name| format!("{:#}", rustc_demangle::demangle(name))))
}

#[allow(clippy::too_many_arguments, reason = "the signature of WASI")]
fn path_open(
    mut caller: Caller<'_, World>,
    dir: i32,
    lookup: i32,
    path: i32,
    length: i32,
    open_flags: i32,
    rights: i64,
    inheriting: i64,
    flags: i32,
    opened: i32,
) -> wasmtime::Result<i32> {
    let Some(memory) = memory(&mut caller) else { return Ok(FAULT) };
    let Some(open) = caller.data().open.clone() else { return Ok(FAULT) };
    let shown = length.cast_unsigned().min(LONGEST_PATH).cast_signed();
    let name = memory.data(&caller).get(range(path, shown)).map(String::from_utf8_lossy);
    let name = name.map(std::borrow::Cow::into_owned).unwrap_or_default();
    let args = (dir, lookup, path, length, open_flags, rights, inheriting, flags, opened);
    let code = open.call(&mut caller, args)?;
    if code == SUCCESS
        && let Some(Ok(fd)) = memory.data(&caller).get(range(opened, 4)).map(<[u8; 4]>::try_from)
    {
        caller.data_mut().opened.insert(i32::from_le_bytes(fd), name);
    }
    Ok(code)
}

fn debug_print(mut caller: Caller<'_, World>, at: i32, length: i32) {
    let Some(memory) = memory(&mut caller) else { return };
    let (data, world) = memory.data_and_store_mut(&mut caller);
    if let Some(bytes) = data.get(range(at, length)) {
        world.printed.push_str(&String::from_utf8_lossy(bytes));
        world.printed.push('\n');
    }
}

impl Source {
    fn fill(&mut self, bytes: &mut [u8]) {
        match self {
            Self::Machine(random) => random.fill_bytes(bytes),
            Self::Seed(seed, count) => {
                for chunk in bytes.chunks_mut(32) {
                    let mut hash = Sha256::new();
                    hash.update(seed.to_le_bytes());
                    hash.update(count.to_le_bytes());
                    *count += 1;
                    chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
                }
            }
        }
    }
}

/// A clock that advances by a microsecond at each read. Times are therefore reproducible, and a
/// program that waits until a certain time does not hang.
struct Count(AtomicU64);

impl Count {
    fn new(nanoseconds: u64) -> Self {
        Self(AtomicU64::new(nanoseconds))
    }

    fn read(&self) -> u64 {
        self.0.fetch_add(1000, Ordering::Relaxed)
    }
}

impl HostWallClock for Count {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.read())
    }
}

impl HostMonotonicClock for Count {
    fn resolution(&self) -> u64 {
        1000
    }

    fn now(&self) -> u64 {
        self.read()
    }
}
