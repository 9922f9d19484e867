//! The host of an initialization: all that it sees, and what is noted of what it does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};
use wasmtime::{Caller, Extern, Linker, Memory, Store, StoreLimits, TypedFunc, WasmBacktrace};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, I32Exit, Rng, WasiCtxBuilder};

use super::form;
use super::open::{HOST, MEMORY, OPEN, STAT, STAT_SIZE, WASI, between};
use pywasm_runtime::{memory_of, wasm_error};

/// The time of every initialization: 1980-01-01, as CPython's builds here have it. Source:
/// reproducible-builds.org, `SOURCE_DATE_EPOCH`; zip knows no earlier one.
const EPOCH: u64 = 315_532_800;
/// A path in a message is no longer.
const LONGEST_PATH: u32 = 4096;
/// Bytes of Python's hash secret, and of the state that a `random.Random` is seeded with. Sources:
/// `_Py_HashSecret_t`, and `N` in Modules/_randommodule.c.
const HASH_SEED: u64 = 24;
const RANDOM_SEED: u64 = 624 * 4;
/// What Python draws for itself: a hash seed, and the seed of the instance that its module `random` has,
/// which the resume seeds anew.
const OF_PYTHON: [u64; 4] = [0, HASH_SEED, RANDOM_SEED, HASH_SEED + RANDOM_SEED];
/// Who seeds a `random.Random`, by the function of C.
const SEEDS: &str = "random_seed";
const SUCCESS: i32 = 0;
const FAULT: i32 = 21;

/// WASI's `path_open`.
type Open = TypedFunc<(i32, i32, i32, i32, i32, i64, i64, i32, i32), i32>;

/// The state of an initialization's host.
pub(super) struct World {
    wasi: WasiP1Ctx,
    pub(super) limits: StoreLimits,
    random: Source,
    /// Who drew random numbers that stay the same in every run, and how many bytes.
    drawn: BTreeMap<Option<String>, u64>,
    /// The path behind each descriptor that was ever opened.
    opened: BTreeMap<i32, String>,
    /// What a canister printed; WASI has streams for that.
    said: String,
    open: Option<Open>,
}

/// Where random numbers come from.
enum Source {
    Machine(Box<dyn Rng + Send>),
    /// SHA-256 of a seed and a count.
    Seed(u32, u64),
}

impl World {
    pub(super) fn new(mut wasi: WasiCtxBuilder, seed: Option<u32>, most_memory: u64) -> Self {
        wasi.wall_clock(Count::new(EPOCH * 1_000_000_000)).monotonic_clock(Count::new(0));
        let random = seed.map_or_else(
            || Source::Machine(wasmtime_wasi::thread_rng()),
            |seed| Source::Seed(seed, 0),
        );
        Self {
            wasi: wasi.build_p1(),
            limits: memory_of(Some(most_memory)),
            random,
            drawn: BTreeMap::new(),
            opened: BTreeMap::new(),
            said: String::new(),
            open: None,
        }
    }

    /// Who drew random numbers, sorted; of what has no names all together. What Python draws for itself is
    /// no part of it.
    pub(super) fn drawn(&self) -> Vec<(String, u64)> {
        let told = self.drawn.iter().filter_map(|(who, bytes)| match who.as_deref() {
            None => (!OF_PYTHON.contains(bytes)).then(|| ("code without names".to_owned(), *bytes)),
            // The first is the module's own.
            Some(SEEDS) => {
                let others = bytes.saturating_sub(RANDOM_SEED);
                (others > 0).then(|| ("`random.Random()` without a seed".to_owned(), others))
            }
            Some(who) => Some((format!("`{who}`"), *bytes)),
        });
        told.collect()
    }

    pub(super) fn said(&self) -> &str {
        &self.said
    }
}

/// Everything that an initialization may import; the rest traps by its name.
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
        // A canister may print, and Python's `time` asks for the time when it is imported.
        linker.func_wrap("ic0", "debug_print", debug_print)?;
        linker.func_wrap("ic0", "time", || EPOCH * 1_000_000_000)?;
        linker.define_unknown_imports_as_traps(module)?;
        Ok(linker)
    };
    linked().map_err(wasm_error)
}

/// Puts the module between, so that it is known which files are opened.
pub(super) fn watch(
    store: &mut Store<World>,
    memory: Memory,
) -> anyhow::Result<TypedFunc<(i32, i32), i32>> {
    let mut watched = || -> wasmtime::Result<_> {
        let engine = store.engine().clone();
        let mut linker = Linker::new(&engine);
        p1::add_to_linker_sync(&mut linker, |world: &mut World| &mut world.wasi)?;
        linker.define(&mut *store, HOST, MEMORY, memory)?;
        let module = wasmtime::Module::new(&engine, between())?;
        let instance = linker.instantiate(&mut *store, &module)?;
        store.data_mut().open = Some(instance.get_typed_func(&mut *store, OPEN)?);
        instance.get_typed_func::<(i32, i32), i32>(&mut *store, STAT)
    };
    watched().map_err(wasm_error).context("WASI's files can't be watched")
}

/// What is open behind the first descriptors, which are the streams and `given` directories.
pub(super) fn left_open(
    store: &mut Store<World>,
    memory: Memory,
    stat: &TypedFunc<(i32, i32), i32>,
    given: usize,
) -> anyhow::Result<Vec<String>> {
    let first = 3 + i32::try_from(given)?;
    let last = store.data().opened.keys().last().copied().unwrap_or(first).max(first);
    let mut open = Vec::new();
    // What it is asked for is written into the memory that is kept.
    let Some(kept) = memory.data(&*store).get(..STAT_SIZE).map(<[u8]>::to_vec) else {
        return Ok(open);
    };
    // A number that was closed is given again: to a file, where a program closes its input or a directory.
    let again: Vec<i32> = store.data().opened.range(..first).map(|(fd, _)| *fd).collect();
    for fd in again.into_iter().chain(first..=last.saturating_add(1)) {
        if stat.call(&mut *store, (fd, 0)).map_err(wasm_error)? == SUCCESS {
            let path = store.data().opened.get(&fd);
            open.push(path.map_or_else(|| format!("descriptor {fd}"), |path| format!("`{path}`")));
        }
    }
    memory.write(&mut *store, 0, &kept).context("the memory is gone")?;
    Ok(open)
}

fn memory(caller: &mut Caller<'_, World>) -> Option<Memory> {
    caller.get_export(form::MEMORY).and_then(Extern::into_memory)
}

/// The bytes at an address, none where there are none.
fn range(at: i32, length: i32) -> std::ops::Range<usize> {
    let at = at.cast_unsigned() as usize;
    at..at.saturating_add(length.cast_unsigned() as usize)
}

fn random_get(mut caller: Caller<'_, World>, at: i32, length: i32) -> i32 {
    let Some(memory) = memory(&mut caller) else { return FAULT };
    let drawer = drawer(&caller);
    let (data, world) = memory.data_and_store_mut(&mut caller);
    let Some(bytes) = data.get_mut(range(at, length)) else { return FAULT };
    world.random.fill(bytes);
    if let Some(drawer) = drawer {
        *world.drawn.entry(drawer).or_default() += bytes.len() as u64;
    }
    SUCCESS
}

/// Who draws random numbers, as far as that is told by names: libpython comes without. Nothing where
/// it is known what becomes of them: Python's hash seed is meant to be kept.
fn drawer(caller: &Caller<'_, World>) -> Option<Option<String>> {
    const HASH: &str = "_Py_HashRandomization_Init";
    /// What only hands the request on.
    const BETWEEN: [&str; 7] = [
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
    if has(SEEDS) {
        return Some(Some(SEEDS.to_owned()));
    }
    let hands_on = |name: Option<&str>| {
        name.is_some_and(|name| BETWEEN.iter().any(|between| name.contains(between)))
    };
    let who = names().find(|name| !hands_on(*name)).flatten();
    Some(who.map(|name| format!("{:#}", rustc_demangle::demangle(name))))
}

#[allow(clippy::too_many_arguments, reason = "as WASI has it")]
fn path_open(
    mut caller: Caller<'_, World>,
    dir: i32,
    lookup: i32,
    path: i32,
    length: i32,
    how: i32,
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
    let args = (dir, lookup, path, length, how, rights, inheriting, flags, opened);
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
        world.said.push_str(&String::from_utf8_lossy(bytes));
        world.said.push('\n');
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

/// A clock that goes by a microsecond each time it is read: equal runs read equal times, and who
/// waits for it comes to an end.
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
