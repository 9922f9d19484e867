//! Runs a program on its own thread, applies the limits and determines the outcome.
//!
//! A run ends after its timeout even if the program is sleeping or reading. The engine cannot
//! interrupt a program that is in a host function, so the run stops waiting for the program.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytesize::ByteSize;
use wasmtime::{
    Instance, Linker, Store, StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline, WasmBacktrace,
};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

use super::adapter::WASI;
use super::directories::{self, Directories, HasDirectories};
use super::{Call, End, Entry, HOST_STACK, Module, Program, Ran, Runtime, Spent, call, wasm_error};
use pywasm_session::WithHint;

/// The time that a program has, after a timeout, to return from a host function before it is
/// abandoned.
const GRACE: Duration = Duration::from_millis(500);
/// The maximum number of frames shown for a trap, innermost first.
const FRAMES: usize = 16;
const WASM_PAGE: u64 = 64 << 10;
/// The maximum number of elements in a wasm table. Python's table contains about ten thousand
/// functions.
const MAX_TABLE_ELEMENTS: usize = 10_000_000;

struct State {
    world: World,
    limits: StoreLimits,
}

/// What a program sees of the machine.
pub(super) struct World {
    wasi: WasiP1Ctx,
    directories: Directories,
    keeps_memory: bool,
}

impl World {
    /// Creates the world of a program.
    pub(super) fn new(mut wasi: WasiCtxBuilder, program: &Program) -> Self {
        let directories = Directories::open(&program.dirs);
        Self { wasi: wasi.build_p1(), directories, keeps_memory: program.keeps_memory }
    }
}

impl HasDirectories for State {
    fn directories(&mut self) -> &mut Directories {
        &mut self.world.directories
    }

    fn wasi(&mut self) -> &mut WasiP1Ctx {
        &mut self.world.wasi
    }
}

impl Runtime {
    pub(super) fn execute(
        &self,
        module: &Module,
        world: World,
        entry: Entry,
    ) -> anyhow::Result<Ran> {
        self.check_initial_memory(module)?;
        let (runtime, module) = (self.clone(), module.clone());
        let ran =
            self.on_thread(move |deadline| runtime.execute_here(&module, world, &entry, deadline));
        Ok(ran?.unwrap_or(Ran::TIMED_OUT))
    }

    /// Runs a job on a thread with enough stack for wasm. The deadline, if there is one, is passed
    /// to the job. Returns `None` if the job has not ended by the deadline.
    ///
    /// # Errors
    /// When the thread cannot be created, or the job fails.
    pub fn on_thread<T: Send + 'static>(
        &self,
        job: impl FnOnce(Option<Instant>) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<Option<T>> {
        let timeout = self.bounds.timeout;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (sender, ended) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("wasm".to_owned())
            .stack_size(self.stack.saturating_add(HOST_STACK))
            .spawn(move || {
                // Sending fails if the receiver stopped waiting after a timeout.
                let _ = sender.send(job(deadline));
            })
            .context("cannot create a thread for a wasm program")?;
        let result = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
            None => ended.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(rest) => ended.recv_timeout(rest).or_else(|timeout| {
                if !self.interrupts {
                    return Err(timeout);
                }
                self.engine.increment_epoch();
                ended.recv_timeout(GRACE)
            }),
        };
        match result {
            // The thread may keep running until this process exits. It holds no lock.
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Ok(result) => result.map(Some),
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => anyhow::bail!("a wasm program's thread ended without a result"),
            },
        }
    }

    /// Checks that the memory limit allows the initial memory. wasmtime's own error would mention
    /// neither the limit nor the required memory.
    fn check_initial_memory(&self, module: &Module) -> anyhow::Result<()> {
        let pages = module.compiled.resources_required().max_initial_memory_size.unwrap_or(0);
        let (needed, limit) =
            (pages.saturating_mul(WASM_PAGE), self.bounds.memory.unwrap_or(u64::MAX));
        if limit >= needed {
            return Ok(());
        }
        Err(anyhow::anyhow!(
            "the memory limit of {} is less than the program's initial memory of {}",
            ByteSize::b(limit).display().iec(),
            ByteSize::b(needed).display().iec()
        ))
        .hint(|| "raise --memory".to_owned())
    }

    fn execute_here(
        &self,
        module: &Module,
        world: World,
        entry: &Entry,
        deadline: Option<Instant>,
    ) -> anyhow::Result<Ran> {
        let mut linker = self.linker()?;
        // Creating the image is part of loading the module, not of starting a program, so it is not
        // included in the measured time. The image is created only once per process.
        module.compiled.initialize_copy_on_write_image().map_err(wasm_error)?;
        let begin = Instant::now();
        let mut store =
            Store::new(&self.engine, State { world, limits: memory_limit(self.bounds.memory) });
        store.limiter(|state| &mut state.limits);
        if !self.limit(&mut store, deadline)? {
            return Ok(Ran::TIMED_OUT);
        }
        if directories::applies(&module.compiled) {
            directories::replace(&mut linker).map_err(wasm_error)?;
        }
        module.link(&mut linker, &mut store)?;
        let instance = linker
            .instantiate(&mut store, &module.compiled)
            .map_err(wasm_error)
            .context("not a WASI preview1 module")?;
        let end = match entry {
            Entry::Start => start(&instance, &mut store),
            Entry::Exports(calls, report) => invoke(&instance, &mut store, calls, report),
        }?;
        let time = begin.elapsed();
        let fuel = self.bounds.fuel.zip(store.get_fuel().ok()).map(|(limit, left)| limit - left);
        let memory = store
            .data()
            .world
            .keeps_memory
            .then(|| instance.get_memory(&mut store, "memory"))
            .flatten()
            .map(|memory| memory.data(&store).to_vec());
        Ok(Ran { end, spent: Some(Spent { time, fuel }), memory })
    }

    /// Sets a store's fuel and deadline. Returns false if the deadline has already passed.
    ///
    /// # Errors
    /// When wasmtime rejects the fuel.
    pub fn limit<T>(
        &self,
        store: &mut Store<T>,
        deadline: Option<Instant>,
    ) -> anyhow::Result<bool> {
        if let Some(fuel) = self.bounds.fuel {
            store.set_fuel(fuel).map_err(wasm_error)?;
        }
        let is_over = move || deadline.is_some_and(|at| Instant::now() >= at);
        if !self.interrupts {
            return Ok(!is_over());
        }
        store.set_epoch_deadline(1);
        // The callback checks the deadline, because all programs in an engine share its epoch,
        // which also advances when another program times out.
        store.epoch_deadline_callback(move |_| {
            if is_over() {
                return Err(Trap::Interrupt.into());
            }
            Ok(UpdateDeadline::Continue(1))
        });
        // If the epoch was advanced for this program before `set_epoch_deadline` was called, the
        // callback will not run, so the deadline is checked here.
        Ok(!is_over())
    }

    fn linker(&self) -> anyhow::Result<Linker<State>> {
        let mut linker = Linker::new(&self.engine);
        p1::add_to_linker_sync(&mut linker, State::wasi).map_err(wasm_error)?;
        linker.allow_shadowing(true);
        // wasmtime-wasi turns every exit status above 125 into a trap, but `sys.exit(130)` is
        // valid.
        linker
            .func_wrap(WASI, "proc_exit", |code: i32| -> wasmtime::Result<()> {
                Err(I32Exit(code).into())
            })
            .map_err(wasm_error)?;
        Ok(linker)
    }
}

fn start(instance: &Instance, store: &mut Store<State>) -> anyhow::Result<End> {
    let start = instance.get_typed_func::<(), ()>(&mut *store, "_start");
    let start = start.map_err(wasm_error).context("not a WASI preview1 command").hint(|| {
        "to call an export of a reactor, use `run-wasm --invoke 'NAME(1, 2)'`".to_owned()
    })?;
    Ok(start.call(store, ()).map_or_else(|error| end_of(&error), |()| End::Exit(0)))
}

/// Calls `_initialize`, if it exists, and then the exports. Source: "Application ABI" in the WASI
/// preview1 documentation.
fn invoke(
    instance: &Instance,
    store: &mut Store<State>,
    calls: &[Call],
    report: &dyn Fn(String),
) -> anyhow::Result<End> {
    if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize")
        && let Err(error) = initialize.call(&mut *store, ())
    {
        return Ok(end_of(&error));
    }
    for call in calls {
        let function = instance
            .get_func(&mut *store, &call.name)
            .with_context(|| format!("the module exports no function `{}`", call.name))?;
        let types: Vec<_> = function.ty(&*store).params().collect();
        let mut results = call::results(&function, &*store);
        if let Err(error) = function.call(&mut *store, &call.values(&types)?, &mut results) {
            return Ok(end_of(&error));
        }
        report(call::text(&results));
    }
    Ok(End::Exit(0))
}

/// Returns how the program ended, according to the error of a failed call.
pub fn end_of(error: &wasmtime::Error) -> End {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return End::Exit(*code);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => End::OutOfFuel,
        Some(Trap::Interrupt) => End::TimedOut,
        _ => End::Trap(trap_text(error)),
    }
}

/// Returns the cause of a trap and the program's innermost functions as text. wasmtime's own text
/// would include the host's stack.
pub fn trap_text(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    let mut text = cause.strip_prefix("wasm trap: ").unwrap_or(&cause).to_owned();
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    // In a module without names, the frames have only function indexes, which are not useful.
    let frames = if frames.iter().any(|it| it.func_name().is_some()) { frames } else { &[] };
    for frame in frames.iter().take(FRAMES) {
        let unnamed = || format!("function {}", frame.func_index());
        text.push_str("\n    in ");
        let name = |name: &str| format!("{:#}", rustc_demangle::demangle(name));
        text.push_str(&frame.func_name().map_or_else(unnamed, name));
    }
    if frames.len() > FRAMES {
        text.push_str(&format!("\n    … and {} more", frames.len() - FRAMES));
    }
    text
}

/// Returns the limits for a wasmtime store: at most `bytes` bytes of memory (if `None`, as much as
/// wasm allows), and wasm tables that are large enough for any program.
pub fn memory_limit(bytes: Option<u64>) -> StoreLimits {
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    StoreLimitsBuilder::new().memory_size(bytes).table_elements(MAX_TABLE_ELEMENTS).build()
}
