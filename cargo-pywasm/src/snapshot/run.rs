//! An initialization runs, and what it leaves becomes a module.

use std::future::Future;
use std::io::{Read, Seek};
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use anyhow::Context;
use wasmtime::{Instance, Memory, Store, Val};
use wasmtime_wasi::cli::OutputFile;
use wasmtime_wizer::{InstanceState, SnapshotVal, Wizer};

use super::Request;
use super::form::{self, Form};
use super::world::{self, World};
use pywasm_rewrite as rewrite;
use pywasm_runtime::{End, Program, Runtime, end_of, wasi, wasm_error};
use pywasm_session::WithHint;
use pywasm_wasm::custom;

/// What an initialization may take of memory where nobody says how much; Python with all of its
/// library takes a tenth.
const MOST_MEMORY: u64 = 512 << 20;
/// Runs of bytes that are not zero, of all memory: wizer notes each. Python has a million.
const MOST_RUNS: usize = 16_000_000;
/// Source: `Using Python > Command line and environment` of CPython's documentation.
const HASH_SEED: &str = "PYTHONHASHSEED";
/// What is shown of what an initialization printed.
const MOST_SHOWN: u64 = 64 << 10;

/// A module that goes on where an initialization ended.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The module.
    pub module: Vec<u8>,
    /// How it begins.
    pub form: Form,
    /// The memory it begins with, in bytes.
    pub memory: usize,
    /// What the initialization printed.
    pub printed: String,
    /// Who drew random numbers that are the same in every run of the snapshot, and how many bytes,
    /// sorted. Python's own are not among them.
    pub drawn: Vec<(String, u64)>,
}

impl Snapshot {
    /// What the user should know: who drew random numbers, a line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let line = |(who, bytes): &(String, u64)| {
            format!(
                "{who} drew {bytes} random bytes, and what it made of them is the same in every run \
                 of the snapshot"
            )
        };
        self.drawn.iter().map(line).collect()
    }
}

/// Runs the initialization of a module and keeps what it leaves. `runtime` has the limits.
///
/// # Errors
/// When the module can't be kept (see [`Form::of`]), its initialization fails, uses up what it may, or
/// leaves a file open.
pub fn snapshot(module: &[u8], request: &Request, runtime: &Runtime) -> anyhow::Result<Snapshot> {
    let form = Form::of(module, request.init.as_deref())?;
    let mut wizer = Wizer::new();
    wizer.init_func(form::END);
    if let Some(beginning) = form.beginning() {
        wizer.func_rename(beginning, form::RESUME);
    }
    let (context, instrumented) =
        wizer.instrument(module).map_err(wasm_error).context("it can't be kept")?;
    let compiled = runtime
        .compile(&instrumented)
        .context("it is no module of WebAssembly that the embedded runtime takes")?;
    let mut printed = tempfile::tempfile().context("no temporary file for what it prints")?;
    let mut builder = wasi(&seeded(request))?;
    let output = OutputFile::new(printed.try_clone()?);
    builder.stdout(output.clone()).stderr(output);
    let bounds = runtime.bounds();
    let world = World::new(builder, request.hash_seed, bounds.memory.unwrap_or(MOST_MEMORY));

    let (engine, own) = (runtime.clone(), request.clone());
    let initialized = runtime.apart(move |deadline| {
        let mut store = Store::new(compiled.engine(), world);
        store.limiter(|world| &mut world.limits);
        // Over already, it comes to its end at the first call.
        engine.limit(&mut store, deadline)?;
        let done = initialize(&compiled, &mut store, form, &own);
        let said = store.data().said().to_owned();
        Ok((done, said, store))
    })?;
    let Some((done, said, store)) = initialized else {
        return Err(anyhow::anyhow!("its initialization: {}", End::TimedOut))
            .hint(|| "raise --timeout".to_owned());
    };
    let printed = said + &text(&mut printed)?;
    let instance = done.map_err(|error| match printed.trim_end() {
        "" => error,
        printed => error.context(format!("it printed:\n{printed}")),
    })?;
    let mut kept = Kept { store, instance };
    let memory = kept.memory(form::MEMORY)?;
    let size = memory.data_size(&kept.store);
    let runs = runs(memory.data(&kept.store));
    anyhow::ensure!(
        runs <= MOST_RUNS,
        "its memory is in {runs} pieces, and {MOST_RUNS} are what is kept"
    );
    let drawn = kept.store.data().drawn();
    let made = now(wizer.snapshot(&context, &mut kept)).map_err(wasm_error)?;
    // What made it is over, and would trap or do harm if somebody called it.
    let over = [form::BEGIN, form::NAMES, form::RESUME];
    let init = request.init.as_deref();
    let made = rewrite::without_exports(&made, |name| over.contains(&name) || init == Some(name))?;
    let module = custom::embed(&made, custom::SNAPSHOT, env!("CARGO_PKG_VERSION").as_bytes())?;
    Ok(Snapshot { module, form, memory: size, printed, drawn })
}

/// The program with the hash seed, as Python wants to be told of it; what starts it isolated, as `pywasm_start`
/// does, is told in a call. What the program has of its own stands.
fn seeded(request: &Request) -> Program {
    let program = request.program.clone();
    match request.hash_seed {
        Some(seed) if !program.has_env(HASH_SEED) => program.env(HASH_SEED, seed.to_string()),
        _ => program,
    }
}

/// Instantiates the module and calls what initializes it, in the order that hosts and programs have.
fn initialize(
    module: &wasmtime::Module,
    store: &mut Store<World>,
    form: Form,
    request: &Request,
) -> anyhow::Result<Instance> {
    let linker = world::linker(module, module.engine())?;
    let instance = linker.instantiate(&mut *store, module);
    let instance = instance.map_err(|error| ended("its start function", &error))?;
    let memory = instance.get_memory(&mut *store, form::MEMORY).context("its memory is gone")?;
    let stat = world::watch(store, memory)?;
    // Of a command the constructors are not exported, and those of a reactor are.
    let constructors = if form == Form::Command { form::BEGIN } else { form::INITIALIZE };
    let names = [Some(constructors), request.init.as_deref()];
    for name in names.into_iter().flatten() {
        let Some(function) = instance.get_func(&mut *store, name) else { continue };
        let function = function.typed::<(), ()>(&*store);
        let function = function.map_err(wasm_error).with_context(|| format!("`{name}`"))?;
        function.call(&mut *store, ()).map_err(|error| ended(&format!("`{name}`"), &error))?;
    }
    if instance.get_func(&mut *store, form::END).is_some() {
        python(instance, memory, store, request)?;
    }
    let open = world::left_open(store, memory, &stat, request.program.dir_count())?;
    if !open.is_empty() {
        return Err(anyhow::anyhow!("its initialization left open: {}", open.join(", "))).hint(
            || "close it before the initialization ends; what is open is the host's".to_owned(),
        );
    }
    Ok(instance)
}

/// Python's part: the names of what is imported go into the memory, and the function that imports runs.
fn python(
    instance: Instance,
    memory: Memory,
    store: &mut Store<World>,
    request: &Request,
) -> anyhow::Result<()> {
    let broken = || format!("`{}` and `{}` are of another version", form::NAMES, form::END);
    let names = instance.get_typed_func::<u32, u32>(&mut *store, form::NAMES);
    let end = instance.get_typed_func::<u32, ()>(&mut *store, form::END);
    let (names, end) = (names.map_err(wasm_error), end.map_err(wasm_error));
    let (names, end) = (names.with_context(broken)?, end.with_context(broken)?);
    let text = request.imports.join(",");
    let called = names.call(&mut *store, u32::try_from(text.len())?);
    let at = called.map_err(|error| ended("its room for names", &error))?;
    memory.write(&mut *store, at as usize, text.as_bytes()).with_context(broken)?;
    let done = end.call(&mut *store, request.hash_seed.unwrap_or(0));
    done.map_err(|error| ended("Python", &error))
}

fn ended(what: &str, error: &wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("its initialization failed: {what} ended with {}", end_of(error))
}

/// What was printed, the end of it where it is much.
fn text(printed: &mut std::fs::File) -> anyhow::Result<String> {
    let length = printed.seek(std::io::SeekFrom::End(0))?;
    printed.seek(std::io::SeekFrom::Start(length.saturating_sub(MOST_SHOWN)))?;
    let mut bytes = Vec::new();
    printed.take(MOST_SHOWN).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs of bytes that are not zero.
fn runs(memory: &[u8]) -> usize {
    let starts = memory.iter().zip(memory.iter().skip(1));
    starts.filter(|(before, byte)| **before == 0 && **byte != 0).count() + 1
}

/// The result of a future that has nothing to wait for: what wizer reads here is in memory.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Task::from_waker(Waker::noop())) {
            return value;
        }
    }
}

struct Kept {
    store: Store<World>,
    instance: Instance,
}

impl Kept {
    fn memory(&mut self, name: &str) -> anyhow::Result<Memory> {
        self.instance.get_memory(&mut self.store, name).context("its memory is gone")
    }
}

impl InstanceState for Kept {
    async fn global_get(&mut self, name: &str, _: wasmtime_wizer::ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name);
        match global.map(|global| global.get(&mut self.store)) {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(bits)) => SnapshotVal::F32(bits),
            Some(Val::F64(bits)) => SnapshotVal::F64(bits),
            Some(Val::V128(value)) => SnapshotVal::V128(value.as_u128()),
            // wizer refuses globals of other types, and asks for those that it exports.
            _ => unreachable!("wizer asks for `{name}`"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.memory(name) {
            Ok(memory) => contents(memory.data(&self.store)),
            Err(_) => unreachable!("wizer asks for `{name}`"),
        }
    }
}
