//! The embedded wasmtime: runs wasm programs of WASI preview1.
//!
//! A program sees the arguments, variables and directories of its [`Program`] and
//! nothing else of the machine, has no network, and is compiled once per store.

mod outcome;
mod program;

pub use outcome::{Bounds, Captured, End};
pub use program::{Dir, Program, Stdin};

use std::io::Read;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::Utf8Path;
use wasmtime::{
    Cache, CacheConfig, Config, Engine, Linker, ResourceLimiter, Store, Trap, UpdateDeadline,
};
use wasmtime_wasi::cli::OutputFile;
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtxBuilder};

use crate::ctx::Ctx;
use crate::store::Bucket;

/// wasm's own call stack. wasmtime's default of 512 KiB traps long before Python raises
/// RecursionError; 3.14 bounds recursion by its C stack of 16 MiB, which a chain of small
/// wasm frames outgrows. Pages that are never touched cost nothing.
const WASM_STACK: usize = 256 << 20;
/// What the host's own frames need beside it.
const HOST_STACK: usize = 8 << 20;

/// An engine with the store's compile cache.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    bounds: Bounds,
}

/// A compiled program.
#[derive(Clone)]
pub struct Module(wasmtime::Module);

struct State {
    wasi: WasiP1Ctx,
    memory: Option<u64>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Runtime {
    /// An engine without limits.
    ///
    /// # Errors
    /// When the store can't be written.
    pub fn new(ctx: &Ctx) -> anyhow::Result<Self> {
        Self::bounded(Bounds::default(), ctx)
    }

    /// An engine whose programs each have these limits. Only limits that are set cost speed.
    ///
    /// # Errors
    /// When the store can't be written.
    pub fn bounded(bounds: Bounds, ctx: &Ctx) -> anyhow::Result<Self> {
        let mut cache = CacheConfig::new();
        cache.with_directory(ctx.store.ensure(Bucket::Wasm)?.as_std_path());
        let cache = Cache::new(cache).map_err(wasm_error)?;
        let mut config = Config::new();
        config
            .cache(Some(cache))
            .max_wasm_stack(WASM_STACK)
            // Never used, and still checked against the one above.
            .async_stack_size(WASM_STACK + HOST_STACK)
            .consume_fuel(bounds.fuel.is_some())
            .epoch_interruption(bounds.timeout.is_some());
        Ok(Self { engine: Engine::new(&config).map_err(wasm_error)?, bounds })
    }

    /// Compiles a module, or finds it compiled in the store.
    ///
    /// # Errors
    /// When the file can't be read or is not a module.
    pub fn load(&self, path: &Utf8Path) -> anyhow::Result<Module> {
        let module = wasmtime::Module::from_file(&self.engine, path)
            .map_err(wasm_error)
            .with_context(|| format!("can't load `{path}` as a wasm module"))?;
        Ok(Module(module))
    }

    /// Runs a program on this process's own output streams.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn run(&self, module: &Module, program: &Program) -> anyhow::Result<End> {
        let mut builder = wasi(program)?;
        builder.inherit_stdout().inherit_stderr();
        self.execute(module, builder.build_p1())
    }

    /// Runs a program and keeps what it writes.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn capture(&self, module: &Module, program: &Program) -> anyhow::Result<Captured> {
        // A file, not memory: a program may write much, and both streams keep their order.
        let mut file = tempfile::tempfile().context("no temporary file for a program's output")?;
        let end = self.run_into(module, program, file.try_clone()?)?;
        let mut output = Vec::new();
        std::io::Seek::rewind(&mut file)?;
        file.read_to_end(&mut output)?;
        Ok(Captured { end, output })
    }

    /// Runs a program whose both streams go to a file.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn run_into(
        &self,
        module: &Module,
        program: &Program,
        output: std::fs::File,
    ) -> anyhow::Result<End> {
        let mut builder = wasi(program)?;
        let output = OutputFile::new(output);
        builder.stdout(output.clone()).stderr(output);
        self.execute(module, builder.build_p1())
    }

    /// On a thread of its own, whose stack holds what the program may use of it.
    fn execute(&self, module: &Module, wasi: WasiP1Ctx) -> anyhow::Result<End> {
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("wasm".to_owned())
                .stack_size(WASM_STACK + HOST_STACK)
                .spawn_scoped(scope, || self.execute_here(module, wasi))
                .context("no thread for a wasm program")?
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn execute_here(&self, module: &Module, wasi: WasiP1Ctx) -> anyhow::Result<End> {
        let state = State { wasi, memory: self.bounds.memory };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state);
        if let Some(fuel) = self.bounds.fuel {
            store.set_fuel(fuel).map_err(wasm_error)?;
        }
        let mut linker = Linker::new(&self.engine);
        p1::add_to_linker_sync(&mut linker, |state: &mut State| &mut state.wasi)
            .map_err(wasm_error)?;
        let _clock = self.bounds.timeout.map(|timeout| {
            let deadline = Instant::now() + timeout;
            store.set_epoch_deadline(1);
            // The epoch is the engine's: another program's clock may have moved it.
            store.epoch_deadline_callback(move |_| {
                if Instant::now() >= deadline {
                    return Err(Trap::Interrupt.into());
                }
                Ok(UpdateDeadline::Continue(1))
            });
            Clock::start(self.engine.clone(), timeout)
        });
        let start = linker
            .instantiate(&mut store, &module.0)
            .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start"))
            .map_err(wasm_error)
            .context("not a command of WASI preview1")?;
        Ok(match start.call(&mut store, ()) {
            Ok(()) => End::Exit(0),
            Err(error) => end_of(&error),
        })
    }
}

fn end_of(error: &wasmtime::Error) -> End {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return End::Exit(*code);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => End::OutOfFuel,
        Some(Trap::Interrupt) => End::TimedOut,
        _ => End::Trap(format!("{error:?}")),
    }
}

/// Everything of a program but its output streams.
fn wasi(program: &Program) -> anyhow::Result<WasiCtxBuilder> {
    let mut builder = WasiCtxBuilder::new();
    // Nothing else runs on the thread of a program, so its file operations need no other.
    builder.args(&program.args).envs(&program.env).allow_blocking_current_thread(true);
    match &program.stdin {
        Stdin::Empty => {}
        Stdin::Text(text) => {
            builder.stdin(MemoryInputPipe::new(text.clone()));
        }
        Stdin::Inherit => {
            builder.inherit_stdin();
        }
    }
    for dir in &program.dirs {
        let perms = if dir.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        builder
            .preopened_dir(&dir.host, &dir.guest, perms)
            .map_err(wasm_error)
            .with_context(|| format!("can't open directory `{}`", dir.host))?;
    }
    Ok(builder)
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.memory.is_none_or(|limit| desired as u64 <= limit))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// Ends the epoch when the time is up, unless it is dropped before.
struct Clock {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Clock {
    fn start(engine: Engine, timeout: Duration) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            if stopped.recv_timeout(timeout) == Err(mpsc::RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// wasmtime's error as anyhow's, with its whole chain in one text.
fn wasm_error(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
