//! One run of a program: its limits, its end, and the thread it has to itself.
//!
//! It never waits for a program longer than the program may take, whatever the program waits
//! for: a guest that sleeps or reads is inside the host, where the engine can't stop it.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytesize::ByteSize;
use wasmtime::{
    Instance, Linker, Store, StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline, WasmBacktrace,
};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p1::{self, WasiP1Ctx};

use super::call;
use super::{Call, End, Entry, HOST_STACK, Module, Ran, Runtime, Spent, WASM_STACK, wasm_error};
use pywasm_session::WithHint;

/// How long a program whose time is up has to come out of the host before it is left behind.
const GRACE: Duration = Duration::from_millis(500);
/// Frames of a trap that are shown; the innermost tell what happened.
const FRAMES: usize = 16;
const WASM_PAGE: u64 = 64 << 10;
/// Functions of a table; Python has some ten thousand.
const MOST_ELEMENTS: usize = 10_000_000;

struct State {
    wasi: WasiP1Ctx,
    limits: StoreLimits,
}

impl Runtime {
    pub(super) fn execute(
        &self,
        module: &Module,
        wasi: WasiP1Ctx,
        entry: Entry,
    ) -> anyhow::Result<Ran> {
        self.refuse_too_little_memory(module)?;
        let (runtime, module) = (self.clone(), module.clone());
        let ran = self.apart(move |deadline| runtime.execute_here(&module, wasi, &entry, deadline));
        Ok(ran?.unwrap_or(Ran { end: End::TimedOut, spent: None }))
    }

    /// What a job gives that runs wasm on a thread of its own, whose stack holds what the program may
    /// use of it; none when its time is over. The job is told when that is.
    pub fn apart<T: Send + 'static>(
        &self,
        job: impl FnOnce(Option<Instant>) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<Option<T>> {
        let timeout = self.bounds.timeout;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (sender, ended) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("wasm".to_owned())
            .stack_size(WASM_STACK + HOST_STACK)
            .spawn(move || {
                // Nobody listens any more when it was left behind.
                let _ = sender.send(job(deadline));
            })
            .context("no thread for a wasm program")?;
        let result = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
            None => ended.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(rest) => ended.recv_timeout(rest).or_else(|over| {
                if !self.interrupts {
                    return Err(over);
                }
                self.engine.increment_epoch();
                ended.recv_timeout(GRACE)
            }),
        };
        match result {
            // It ends by itself when the host call it is in does, or this process, and holds nothing
            // that anyone waits for.
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Ok(given) => given.map(Some),
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => anyhow::bail!("a wasm program's thread ended without a result"),
            },
        }
    }

    /// wasmtime's own words for it say neither which limit nor how much would do.
    fn refuse_too_little_memory(&self, module: &Module) -> anyhow::Result<()> {
        let pages = module.0.resources_required().max_initial_memory_size.unwrap_or(0);
        let (needed, limit) =
            (pages.saturating_mul(WASM_PAGE), self.bounds.memory.unwrap_or(u64::MAX));
        if limit >= needed {
            return Ok(());
        }
        Err(anyhow::anyhow!(
            "{} of memory are less than the {} that the program starts with",
            ByteSize::b(limit).display().iec(),
            ByteSize::b(needed).display().iec()
        ))
        .hint(|| "raise --memory".to_owned())
    }

    fn execute_here(
        &self,
        module: &Module,
        wasi: WasiP1Ctx,
        entry: &Entry,
        deadline: Option<Instant>,
    ) -> anyhow::Result<Ran> {
        let linker = self.linker()?;
        // Made once a process: it is part of having the module, not of starting a program.
        module.0.initialize_copy_on_write_image().map_err(wasm_error)?;
        let begin = Instant::now();
        let mut store =
            Store::new(&self.engine, State { wasi, limits: memory_of(self.bounds.memory) });
        store.limiter(|state| &mut state.limits);
        if !self.limit(&mut store, deadline)? {
            return Ok(Ran { end: End::TimedOut, spent: None });
        }
        let instance = linker
            .instantiate(&mut store, &module.0)
            .map_err(wasm_error)
            .context("not a module of WASI preview1")?;
        let end = match entry {
            Entry::Start => start(&instance, &mut store),
            Entry::Exports(calls, tell) => invoke(&instance, &mut store, calls, tell),
        }?;
        let time = begin.elapsed();
        // Where fuel is not counted, there is none to ask for.
        let fuel = self.bounds.fuel.zip(store.get_fuel().ok()).map(|(given, left)| given - left);
        Ok(Ran { end, spent: Some(Spent { time, fuel }) })
    }

    /// Gives a store its fuel and its deadline; false when that is over already.
    pub fn limit<T>(
        &self,
        store: &mut Store<T>,
        deadline: Option<Instant>,
    ) -> anyhow::Result<bool> {
        if let Some(fuel) = self.bounds.fuel {
            store.set_fuel(fuel).map_err(wasm_error)?;
        }
        // A timeout that no clock can count to is no deadline.
        let over = move || deadline.is_some_and(|at| Instant::now() >= at);
        if !self.interrupts {
            return Ok(!over());
        }
        store.set_epoch_deadline(1);
        // The epoch is the engine's: the end of another program's time moves it, too.
        store.epoch_deadline_callback(move |_| {
            if over() {
                return Err(Trap::Interrupt.into());
            }
            Ok(UpdateDeadline::Continue(1))
        });
        // The epoch may have moved for this program before it had its deadline.
        Ok(!over())
    }

    fn linker(&self) -> anyhow::Result<Linker<State>> {
        let mut linker = Linker::new(&self.engine);
        p1::add_to_linker_sync(&mut linker, |state: &mut State| &mut state.wasi)
            .map_err(wasm_error)?;
        linker.allow_shadowing(true);
        // wasmtime-wasi turns every status from 126 on into a trap; `sys.exit(130)` is none.
        linker
            .func_wrap("wasi_snapshot_preview1", "proc_exit", |code: i32| -> wasmtime::Result<()> {
                Err(I32Exit(code).into())
            })
            .map_err(wasm_error)?;
        Ok(linker)
    }
}

fn start(instance: &Instance, store: &mut Store<State>) -> anyhow::Result<End> {
    let start = instance.get_typed_func::<(), ()>(&mut *store, "_start");
    let start = start
        .map_err(wasm_error)
        .context("not a command of WASI preview1")
        .hint(|| "a reactor's exports are called by `run-wasm --invoke 'NAME(1, 2)'`".to_owned())?;
    Ok(start.call(store, ()).map_or_else(|error| end_of(&error), |()| End::Exit(0)))
}

/// Source of the order: "Application ABI" of WASI preview1: `_initialize` once, before any other.
fn invoke(
    instance: &Instance,
    store: &mut Store<State>,
    calls: &[Call],
    tell: &dyn Fn(String),
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
        tell(call::text(&results));
    }
    Ok(End::Exit(0))
}

/// How a program ended whose call gave an error.
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

/// What happened, then the program's innermost functions; the host's own stack, which wasmtime's
/// text shows as well, says nothing about the program.
pub fn trap_text(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    let mut text = cause.strip_prefix("wasm trap: ").unwrap_or(&cause).to_owned();
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    // Numbers of functions tell nobody anything; a module whose names are stripped has no others.
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

/// What lets a program's memory grow to so many bytes, without a limit to what wasm has, and its
/// table to what a program needs.
pub fn memory_of(bytes: Option<u64>) -> StoreLimits {
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
    StoreLimitsBuilder::new().memory_size(bytes).table_elements(MOST_ELEMENTS).build()
}
