//! Runs an initialization, and creates a wasm module from the resulting memory.

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

/// The default memory limit of an initialization. Python with its whole standard library needs a
/// tenth of this limit.
const DEFAULT_MEMORY: u64 = 512 << 20;
/// The maximum number of runs of nonzero bytes in the memory. Their number is limited because wizer
/// records each run. Python's memory contains a million runs.
const MAX_RUNS: usize = 16_000_000;
/// The variable that sets Python's hash seed. Source: "Command line and environment" in CPython's
/// documentation.
const HASH_SEED: &str = "PYTHONHASHSEED";
/// The maximum number of bytes of output that are kept from an initialization.
const MAX_OUTPUT: u64 = 64 << 10;

/// A module that continues where an initialization ended.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The wasm module.
    pub module: Vec<u8>,
    /// The form of the module, which determines its entry point.
    pub form: Form,
    /// The size of the module's initial memory in bytes.
    pub memory: usize,
    /// The output of the initialization.
    pub output: String,
    /// The functions that drew random numbers during initialization, and the number of bytes that
    /// each drew, sorted. The drawn numbers are the same in every run of the snapshot. Python's own
    /// draws are not included.
    pub random_draws: Vec<(String, u64)>,
}

impl Snapshot {
    /// Returns a warning for each function that drew random numbers.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let line = |(function, bytes): &(String, u64)| {
            format!(
                "{function} drew {bytes} random bytes, which are the same in every run of the snapshot"
            )
        };
        self.random_draws.iter().map(line).collect()
    }
}

/// Runs the initialization of a module within the limits of `runtime`, and returns the snapshot.
///
/// # Errors
/// When no snapshot of the module is possible (see [`Form::of`]), or its initialization fails,
/// exceeds a limit or leaves a file open.
pub fn snapshot(module: &[u8], request: &Request, runtime: &Runtime) -> anyhow::Result<Snapshot> {
    let form = Form::of(module, request.init.as_deref())?;
    let mut wizer = Wizer::new();
    wizer.init_func(form::END);
    if let Some(entry) = form.resume_entry() {
        wizer.func_rename(entry, form::RESUME);
    }
    let (context, instrumented) = wizer
        .instrument(module)
        .map_err(wasm_error)
        .context("wizer cannot instrument the module")?;
    let compiled =
        runtime.compile(&instrumented).context("the embedded runtime cannot compile the module")?;
    let mut file = tempfile::tempfile().context("cannot create a temporary file for the output")?;
    let mut builder = wasi(&seeded(request))?;
    let stream = OutputFile::new(file.try_clone()?);
    builder.stdout(stream.clone()).stderr(stream);
    let bounds = runtime.bounds();
    let world = World::new(builder, request.hash_seed, bounds.memory.unwrap_or(DEFAULT_MEMORY));

    let (engine, own) = (runtime.clone(), request.clone());
    let initialized = runtime.on_thread(move |deadline| {
        let mut store = Store::new(compiled.engine(), world);
        store.limiter(|world| &mut world.limits);
        // `limit` returns false if the deadline has already passed. This result is not needed,
        // because `on_thread` returns `None` in that case.
        engine.limit(&mut store, deadline)?;
        let instance = initialize(&compiled, &mut store, form, &own);
        let printed = store.data().printed().to_owned();
        Ok((instance, printed, store))
    })?;
    let Some((instance, printed, store)) = initialized else {
        return Err(anyhow::anyhow!("the initialization ended: {}", End::TimedOut))
            .hint(|| "raise --timeout".to_owned());
    };
    let output = printed + &tail(&mut file)?;
    let instance = instance.map_err(|error| match output.trim_end() {
        "" => error,
        output => error.context(format!("output of the initialization:\n{output}")),
    })?;
    let mut state = Initialized { store, instance };
    let memory = state.memory(form::MEMORY)?;
    let size = memory.data_size(&state.store);
    let runs = runs(memory.data(&state.store));
    anyhow::ensure!(
        runs <= MAX_RUNS,
        "its memory contains {runs} runs of nonzero bytes, but the limit is {MAX_RUNS}"
    );
    let random_draws = state.store.data().random_draws();
    let snapshot = now(wizer.snapshot(&context, &mut state)).map_err(wasm_error)?;
    // Exports that must not be called in the snapshot are removed. wizer has already removed `END`,
    // and has renamed `RESUME` if it replaces an entry point.
    let removed = [form::BEGIN, form::NAMES, form::RESUME, form::FILES];
    let init = request.init.as_deref();
    let snapshot =
        rewrite::without_exports(&snapshot, |name| removed.contains(&name) || init == Some(name))?;
    let module = custom::embed(&snapshot, custom::SNAPSHOT, env!("CARGO_PKG_VERSION").as_bytes())?;
    Ok(Snapshot { module, form, memory: size, output, random_draws })
}

/// Returns the program with `PYTHONHASHSEED` set to the hash seed, unless the program already sets
/// that variable. Only code that does not use `pywasm_start` needs the variable: `pywasm_start`
/// receives the seed as an argument and isolates Python from the environment.
fn seeded(request: &Request) -> Program {
    let program = request.program.clone();
    match request.hash_seed {
        Some(seed) if !program.has_env(HASH_SEED) => program.env(HASH_SEED, seed.to_string()),
        _ => program,
    }
}

/// Instantiates the module and runs its initialization, in the order that hosts use.
fn initialize(
    module: &wasmtime::Module,
    store: &mut Store<World>,
    form: Form,
    request: &Request,
) -> anyhow::Result<Instance> {
    let linker = world::linker(module, module.engine())?;
    let instance = linker.instantiate(&mut *store, module);
    let instance = instance.map_err(|error| ended("the start function", &error))?;
    let memory = instance.get_memory(&mut *store, form::MEMORY).context("the memory is missing")?;
    let stat = world::watch(store, memory)?;
    // The constructors of a reactor run in `_initialize`; a command has a separate export for them.
    let constructors = if form == Form::Command { form::BEGIN } else { form::INITIALIZE };
    let names = [Some(constructors), request.init.as_deref()];
    for name in names.into_iter().flatten() {
        let Some(function) = instance.get_func(&mut *store, name) else { continue };
        let function = function.typed::<(), ()>(&*store);
        let function = function.map_err(wasm_error).with_context(|| format!("`{name}`"))?;
        function.call(&mut *store, ()).map_err(|error| ended(&format!("`{name}`"), &error))?;
    }
    if let Some(files) = &request.files {
        write_files(files, instance, memory, store)?;
    }
    if instance.get_func(&mut *store, form::END).is_some() {
        python(instance, memory, store, request)?;
    }
    let open = world::left_open(store, memory, &stat, request.program.dir_count())?;
    if !open.is_empty() {
        return Err(anyhow::anyhow!("the initialization left files open: {}", open.join(", ")))
            .hint(|| "close them before the initialization ends".to_owned());
    }
    Ok(instance)
}

/// Writes embedded files into the instance's memory.
fn write_files(
    files: &[u8],
    instance: Instance,
    memory: Memory,
    store: &mut Store<World>,
) -> anyhow::Result<()> {
    let allocate = instance.get_typed_func::<u32, u32>(&mut *store, form::FILES);
    let allocate = allocate.map_err(wasm_error).context("it cannot take embedded files")?;
    let size = u32::try_from(files.len()).context("the files are too large")?;
    let at = allocate.call(&mut *store, size).map_err(|error| ended("the allocation", &error))?;
    anyhow::ensure!(at != 0, "its memory is too small for files of {size} bytes");
    memory.write(store, at as usize, files).context("its memory is too small for the files")
}

/// Initializes Python: passes the names of the Python modules to the instance through its memory,
/// and imports these modules.
fn python(
    instance: Instance,
    memory: Memory,
    store: &mut Store<World>,
    request: &Request,
) -> anyhow::Result<()> {
    let mismatch = || {
        format!(
            "the exports `{}` and `{}` are not what this version of the tool expects",
            form::NAMES,
            form::END
        )
    };
    let names = instance.get_typed_func::<u32, u32>(&mut *store, form::NAMES);
    let end = instance.get_typed_func::<u32, ()>(&mut *store, form::END);
    let (names, end) = (names.map_err(wasm_error), end.map_err(wasm_error));
    let (names, end) = (names.with_context(mismatch)?, end.with_context(mismatch)?);
    let text = request.imports.join(",");
    let called = names.call(&mut *store, u32::try_from(text.len())?);
    let at = called.map_err(|error| ended("the buffer for names", &error))?;
    memory.write(&mut *store, at as usize, text.as_bytes()).with_context(mismatch)?;
    let result = end.call(&mut *store, request.hash_seed.unwrap_or(0));
    result.map_err(|error| ended("Python", &error))
}

fn ended(what: &str, error: &wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("the initialization failed: {what} ended with {}", end_of(error))
}

/// Returns the last [`MAX_OUTPUT`] bytes of the output as text.
fn tail(file: &mut std::fs::File) -> anyhow::Result<String> {
    let length = file.seek(std::io::SeekFrom::End(0))?;
    file.seek(std::io::SeekFrom::Start(length.saturating_sub(MAX_OUTPUT)))?;
    let mut bytes = Vec::new();
    file.take(MAX_OUTPUT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the number of runs of nonzero bytes.
fn runs(memory: &[u8]) -> usize {
    let starts = memory.iter().zip(memory.iter().skip(1));
    starts.filter(|(before, byte)| **before == 0 && **byte != 0).count() + 1
}

/// Returns the result of a future that never waits. wizer's future only reads memory.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Task::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// The instance after the initialization, as wizer reads it.
struct Initialized {
    store: Store<World>,
    instance: Instance,
}

impl Initialized {
    fn memory(&mut self, name: &str) -> anyhow::Result<Memory> {
        self.instance.get_memory(&mut self.store, name).context("the memory is missing")
    }
}

impl InstanceState for Initialized {
    async fn global_get(&mut self, name: &str, _: wasmtime_wizer::ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name);
        match global.map(|global| global.get(&mut self.store)) {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(bits)) => SnapshotVal::F32(bits),
            Some(Val::F64(bits)) => SnapshotVal::F64(bits),
            Some(Val::V128(value)) => SnapshotVal::V128(value.as_u128()),
            // wizer refuses globals of other types, and reads only globals that it has exported.
            _ => unreachable!("wizer reads `{name}`"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.memory(name) {
            Ok(memory) => contents(memory.data(&self.store)),
            Err(_) => unreachable!("wizer reads `{name}`"),
        }
    }
}
