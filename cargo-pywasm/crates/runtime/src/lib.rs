//! The embedded wasmtime: runs wasm programs of WASI preview1.
//!
//! A program sees the arguments, variables and directories of its [`Program`] and
//! nothing else of the machine, has no network, and is compiled once per store.

mod call;
mod compiled;
mod instance;
mod outcome;
mod program;
#[cfg(test)]
mod tests;

pub use call::Call;
pub use compiled::CompileCache;
pub use instance::{end_of, memory_of, trap_text};
pub use outcome::{Bounds, Captured, End, Ran, Spent};
pub use program::{Dir, Program, Stdin};

use std::io::Read;

use anyhow::Context;
use camino::Utf8Path;
use wasmtime::{Config, Engine};
use wasmtime_wasi::cli::OutputFile;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use pywasm_store::Ctx;

/// wasm's own call stack. wasmtime's default of 512 KiB traps long before Python raises
/// RecursionError; 3.14 bounds recursion by its C stack of 16 MiB, which a chain of small
/// wasm frames outgrows. Pages that are never touched cost nothing.
const WASM_STACK: usize = 256 << 20;
/// What the host's own frames need beside it.
const HOST_STACK: usize = 8 << 20;

/// How far apart the first and the last byte of a module's data may be for wasmtime to map them, rather than
/// to copy them at each start. A snapshot has the heap, at whose end the allocator has a mark: 40 MiB of
/// address space for 5 of data in 3.14, and wasmtime's default is 16.
const DENSE_IMAGE: u64 = 64 << 20;

/// An engine with the store's compile cache.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    cache: CompileCache,
    bounds: Bounds,
    /// Whether the engine stops a program whose time is over, by a check at the head of each loop and function.
    interrupts: bool,
}

/// A compiled program.
#[derive(Clone)]
pub struct Module(wasmtime::Module);

/// What of a module is run.
enum Entry {
    /// A command.
    Start,
    /// A reactor's exports, and who is told what they return.
    Exports(Vec<Call>, Box<dyn Fn(String) + Send>),
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
        Self::with(bounds, bounds.timeout.is_some(), ctx)
    }

    /// An engine for the one program of this process. Who calls it ends soon after the program's time is
    /// over: until then the program goes on. In return its code is what it is without a timeout: checks at the
    /// head of each loop make Python's loop over bytecode slower.
    ///
    /// # Errors
    /// When the store can't be written.
    pub fn of_this_process(bounds: Bounds, ctx: &Ctx) -> anyhow::Result<Self> {
        Self::with(bounds, false, ctx)
    }

    fn with(bounds: Bounds, interrupts: bool, ctx: &Ctx) -> anyhow::Result<Self> {
        let mut config = Config::new();
        config
            .max_wasm_stack(WASM_STACK)
            .memory_guaranteed_dense_image_size(DENSE_IMAGE)
            // Never used, and still checked against the one above.
            .async_stack_size(WASM_STACK + HOST_STACK)
            .consume_fuel(bounds.fuel.is_some())
            .epoch_interruption(interrupts);
        let engine = Engine::new(&config).map_err(wasm_error)?;
        Ok(Self { engine, cache: CompileCache::open(ctx)?, bounds, interrupts })
    }

    /// Compiles a module, or finds it compiled in the store.
    ///
    /// # Errors
    /// When the file can't be read or is not a module.
    pub fn load(&self, path: &Utf8Path) -> anyhow::Result<Module> {
        let module = self
            .compile(&fs_err::read(path)?)
            .with_context(|| format!("can't load `{path}` as a wasm module"))?;
        Ok(Module(module))
    }

    /// Compiles a module that is no file, or finds it compiled in the store.
    pub fn compile(&self, module: &[u8]) -> anyhow::Result<wasmtime::Module> {
        self.cache.module(&self.engine, module)
    }

    /// The limits of its programs.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Runs a program on this process's own output streams.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn run(&self, module: &Module, program: &Program) -> anyhow::Result<Ran> {
        let mut builder = wasi(program)?;
        builder.inherit_stdout().inherit_stderr();
        self.execute(module, builder.build_p1(), Entry::Start)
    }

    /// Initializes a reactor and calls its exports in turn, on this process's own output streams.
    /// `tell` gets what each returned.
    ///
    /// # Errors
    /// When it can't be started, or has no such export for these numbers.
    pub fn invoke(
        &self,
        module: &Module,
        program: &Program,
        calls: Vec<Call>,
        tell: impl Fn(String) + Send + 'static,
    ) -> anyhow::Result<Ran> {
        let mut builder = wasi(program)?;
        builder.inherit_stdout().inherit_stderr();
        self.execute(module, builder.build_p1(), Entry::Exports(calls, Box::new(tell)))
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
        Ok(self.execute(module, builder.build_p1(), Entry::Start)?.end)
    }
}

/// Everything of a program but its output streams.
pub fn wasi(program: &Program) -> anyhow::Result<WasiCtxBuilder> {
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

/// wasmtime's error as anyhow's, with its whole chain in one text.
pub fn wasm_error(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
