//! Runs WASI preview1 programs in an embedded wasmtime.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! A program has access only to the arguments, environment variables, directories and input in its
//! [`Program`], and has no network access. Each wasm module is compiled once per store. Nothing in
//! this crate is specific to Python.

mod adapter;
mod call;
mod compiled;
mod directories;
mod imports;
mod instance;
mod outcome;
mod program;
#[cfg(test)]
mod tests;

pub use adapter::{WasiFunction, adapter};
pub use call::Call;
pub use compiled::CompileCache;
use instance::World;
pub use instance::{end_of, memory_limit, trap_text};
pub use outcome::{Bounds, Captured, End, Ran, Spent};
pub use program::{Dir, Program, Stdin};
pub use wasm_encoder::ValType;

use std::collections::BTreeSet;
use std::io::Read;

use anyhow::Context;
use camino::Utf8Path;
use wasmtime::{Config, Engine};
use wasmtime_wasi::cli::OutputFile;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use pywasm_store::Ctx;

/// The default size of the wasm call stack in bytes. It is larger than wasmtime's default of 512 KiB, so
/// that programs can recurse as deeply as on native hosts. Untouched pages cost nothing.
const WASM_STACK: usize = 256 << 20;
/// The size of the stack for the host's own frames, in addition to the wasm call stack.
const HOST_STACK: usize = 8 << 20;

/// The maximum size of a data image that wasmtime maps instead of copying it at each start.
/// wasmtime's default of 16 MiB is too small for snapshots: their data spans the whole heap,
/// because the allocator keeps a marker at the end of the heap. In a snapshot of Python 3.14, 5 MiB
/// of data span 40 MiB.
const DENSE_IMAGE: u64 = 64 << 20;

/// An engine that caches compiled modules in the store.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    cache: CompileCache,
    bounds: Bounds,
    /// The size of the stack for wasm calls in bytes.
    stack: usize,
    /// True if compiled code checks for a timeout at the head of each loop and function.
    interrupts: bool,
}

/// A compiled program.
#[derive(Clone)]
pub struct Module {
    compiled: wasmtime::Module,
    /// The imported functions that trap unless the runtime provides them: module and name.
    trapped: BTreeSet<(String, String)>,
}

/// The part of a module to run.
enum Entry {
    /// `_start` of a command.
    Start,
    /// The reactor exports to call, and the callback that receives each result as text.
    Exports(Vec<Call>, Box<dyn Fn(String) + Send>),
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Creates an engine without limits.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn new(ctx: &Ctx) -> anyhow::Result<Self> {
        Self::bounded(Bounds::default(), ctx)
    }

    /// Creates an engine that applies `bounds` to each program. Only limits that are set make
    /// programs slower.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn bounded(bounds: Bounds, ctx: &Ctx) -> anyhow::Result<Self> {
        Self::with(bounds, bounds.timeout.is_some(), ctx)
    }

    /// Creates an engine for a process that exits when its program has timed out.
    ///
    /// The compiled code has no timeout checks, because they would slow down Python's bytecode
    /// loop. After a timeout, the program therefore keeps running in the background until the
    /// process exits.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn until_exit(bounds: Bounds, ctx: &Ctx) -> anyhow::Result<Self> {
        Self::with(bounds, false, ctx)
    }

    fn with(bounds: Bounds, interrupts: bool, ctx: &Ctx) -> anyhow::Result<Self> {
        let stack = match bounds.stack {
            Some(bytes) => usize::try_from(bytes).context("the stack is too large")?,
            None => WASM_STACK,
        };
        let mut config = Config::new();
        config
            .max_wasm_stack(stack)
            .memory_guaranteed_dense_image_size(DENSE_IMAGE)
            // This stack is unused, but wasmtime requires it to be larger than `max_wasm_stack`.
            .async_stack_size(stack.saturating_add(HOST_STACK))
            .consume_fuel(bounds.fuel.is_some())
            .epoch_interruption(interrupts);
        let engine = Engine::new(&config).map_err(wasm_error)?;
        Ok(Self { engine, cache: CompileCache::open(ctx)?, bounds, stack, interrupts })
    }

    /// Compiles the module in a file, or loads its compiled form from the store.
    ///
    /// # Errors
    /// When the file cannot be read or is not a module.
    pub fn load(&self, path: &Utf8Path) -> anyhow::Result<Module> {
        let compiled = self
            .compile(&fs_err::read(path)?)
            .with_context(|| format!("cannot load `{path}` as a wasm module"))?;
        Ok(Module { compiled, trapped: BTreeSet::new() })
    }

    /// Compiles a module, or loads its compiled form from the store.
    ///
    /// # Errors
    /// When the module is invalid.
    pub fn compile(&self, module: &[u8]) -> anyhow::Result<wasmtime::Module> {
        self.cache.module(&self.engine, module)
    }

    /// Returns the limits of each program.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Returns the size of the stack for wasm calls in bytes.
    pub fn stack(&self) -> usize {
        self.stack
    }

    /// Runs a program that writes to the output streams of this process.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn run(&self, module: &Module, program: &Program) -> anyhow::Result<Ran> {
        let mut builder = wasi(program)?;
        builder.inherit_stdout().inherit_stderr();
        self.execute(module, World::new(builder, program), Entry::Start)
    }

    /// Initializes a reactor that writes to the output streams of this process, and performs
    /// `calls` in order. `report` receives each result as text.
    ///
    /// # Errors
    /// When the reactor cannot be started, or an export is missing or takes different arguments.
    pub fn invoke(
        &self,
        module: &Module,
        program: &Program,
        calls: Vec<Call>,
        report: impl Fn(String) + Send + 'static,
    ) -> anyhow::Result<Ran> {
        let mut builder = wasi(program)?;
        builder.inherit_stdout().inherit_stderr();
        let world = World::new(builder, program);
        self.execute(module, world, Entry::Exports(calls, Box::new(report)))
    }

    /// Runs a program and returns its output.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn capture(&self, module: &Module, program: &Program) -> anyhow::Result<Captured> {
        // A file that both streams share preserves the order of writes, however large the output
        // is.
        let mut file = tempfile::tempfile()
            .context("cannot create a temporary file for the program's output")?;
        let end = self.run_into(module, program, file.try_clone()?)?;
        let mut output = Vec::new();
        std::io::Seek::rewind(&mut file)?;
        file.read_to_end(&mut output)?;
        Ok(Captured { end, output })
    }

    /// Runs a program with both output streams redirected to a file.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn run_into(
        &self,
        module: &Module,
        program: &Program,
        output: std::fs::File,
    ) -> anyhow::Result<End> {
        let mut builder = wasi(program)?;
        let output = OutputFile::new(output);
        builder.stdout(output.clone()).stderr(output);
        Ok(self.execute(module, World::new(builder, program), Entry::Start)?.end)
    }
}

/// Returns the WASI context of a program, without output streams.
///
/// # Errors
/// When a directory of the program cannot be opened.
pub fn wasi(program: &Program) -> anyhow::Result<WasiCtxBuilder> {
    let mut builder = WasiCtxBuilder::new();
    // Each program runs on its own thread, so file operations may block that thread.
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
            .with_context(|| format!("cannot open directory `{}`", dir.host))?;
    }
    Ok(builder)
}

/// Converts a wasmtime error to an error whose message contains the whole chain of causes.
pub fn wasm_error(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
