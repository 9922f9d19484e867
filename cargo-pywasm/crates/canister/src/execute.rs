//! Runs one execution in a new instance, which starts from the state of the previous execution.
//!
//! Each execution has its own instance, so that a trap or a query is rolled back by dropping the
//! instance.

use anyhow::Context;
use wasmtime::{Global, Instance, Memory, Ref, Store, Trap, V128, Val};

use super::host::{HOST_STACK, Module, WASM_STACK, wasm_error};
use super::instrument::{MEMORY, TABLE};
use super::mode::Mode;
use super::stable::PAGE;
use super::system::{Call, Callback, Durable, Facts, Response, System};
use pywasm_runtime::{memory_limit, trap_text};

/// The contents of the heap and the globals between two executions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) memory: Vec<u8>,
    pub(super) globals: Vec<Scalar>,
}

/// The value of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
}

/// A function for an execution to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Export(String),
    Callback(Callback),
}

/// An execution that has not run yet.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) module: &'a Module,
    /// The heap and globals to start from; `None` for a module that is being installed.
    pub(super) image: Option<&'a Image>,
    pub(super) durable: Durable,
    /// The functions to call in turn, in one instance.
    pub(super) entries: Vec<(Mode, Entry)>,
    pub(super) facts: Facts,
    pub(super) response: Option<Response>,
    pub(super) fuel: u64,
}

/// The result of a job.
#[derive(Debug)]
pub(super) struct Executed {
    /// The changes made by the execution, or the trap message.
    pub(super) result: Result<Changed, String>,
    pub(super) debug: Vec<String>,
    pub(super) fuel: u64,
    pub(super) heap_pages: u64,
    pub(super) stable_pages: u64,
}

/// The changes made by an execution.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) image: Image,
    pub(super) durable: Durable,
    pub(super) response: Option<Response>,
    pub(super) accepted: bool,
    pub(super) calls: Vec<Call>,
}

impl Job<'_> {
    /// Runs the job on a thread with enough stack for the canister.
    ///
    /// # Errors
    /// When the thread cannot be created.
    pub(super) fn run(self) -> anyhow::Result<Executed> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .name("canister".to_owned())
                .stack_size(WASM_STACK + HOST_STACK)
                .spawn_scoped(scope, || self.run_here())
                .context("cannot create a thread for the canister")?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn run_here(self) -> anyhow::Result<Executed> {
        let Self { module, image, durable, entries, facts, response, fuel } = self;
        let mode = entries.first().map_or(Mode::Init, |(mode, _)| *mode);
        let limits = memory_limit(Some(facts.heap_limit));
        let system = System {
            mode,
            facts,
            durable,
            reply: Vec::new(),
            response,
            accepted: false,
            call: None,
            calls: Vec::new(),
            debug: Vec::new(),
            memory: None,
            limits,
            fuel,
        };
        // A query's changes are dropped at once. A composite query's changes are kept until its
        // callbacks have run.
        let keeps = !mode.drops_changes() || mode == Mode::CompositeQuery;
        let linked = module.linked().map_err(|reason| anyhow::anyhow!("{reason}"))?;
        let mut store = Store::new(linked.module().engine(), system);
        store.limiter(|system| &mut system.limits);
        store.set_fuel(fuel).map_err(wasm_error)?;
        let mut live = None;
        let ended = linked.instantiate(&mut store).and_then(|instance| {
            let parts = Parts::of(instance, module, &mut store)?;
            parts.restore(image, &mut store)?;
            store.data_mut().memory = parts.memory;
            // The fuel is set again, because the canister doesn't pay for its instantiation.
            store.set_fuel(fuel)?;
            live = Some(parts);
            for (mode, entry) in &entries {
                store.data_mut().mode = *mode;
                enter(instance, entry, &mut store)?;
            }
            Ok(())
        });
        let used = fuel - store.get_fuel().unwrap_or(0).min(fuel);
        let memory = live.as_ref().and_then(|parts| parts.memory);
        let heap_pages = memory.map_or(0, |it| it.data_size(&store).div_ceil(PAGE) as u64);
        let image = match (&ended, live) {
            (Ok(()), Some(parts)) if keeps => parts.image(&mut store),
            _ => Image::default(),
        };
        let system = store.into_data();
        let stable_pages = system.durable.stable.size();
        let debug = system.debug;
        let result = match ended {
            Ok(()) => {
                let mut durable = system.durable;
                // If a call was prepared but never performed, its cycles are returned to the
                // canister.
                durable.cycles += system.call.map_or(0, |call| call.cycles);
                let (response, accepted) = (system.response, system.accepted);
                Ok(Changed { image, durable, response, accepted, calls: system.calls })
            }
            Err(error) => Err(reason(&error, fuel)),
        };
        Ok(Executed { result, debug, fuel: used, heap_pages, stable_pages })
    }
}

/// The parts of an instance whose contents are kept between executions.
struct Parts {
    memory: Option<Memory>,
    globals: Vec<Global>,
}

impl Parts {
    fn of(
        instance: Instance,
        module: &Module,
        store: &mut Store<System>,
    ) -> wasmtime::Result<Self> {
        let memory = instance.get_memory(&mut *store, MEMORY);
        let mut globals = Vec::new();
        for name in module.globals() {
            let global = instance.get_global(&mut *store, name);
            globals.push(global.ok_or_else(|| wasmtime::Error::msg("a global is missing"))?);
        }
        Ok(Self { memory, globals })
    }

    fn restore(&self, image: Option<&Image>, store: &mut Store<System>) -> wasmtime::Result<()> {
        let Some(image) = image else { return Ok(()) };
        if let Some(memory) = self.memory {
            let more = image.memory.len().saturating_sub(memory.data_size(&*store));
            if more > 0 {
                memory.grow(&mut *store, more.div_ceil(PAGE) as u64)?;
            }
            memory.write(&mut *store, 0, &image.memory)?;
        }
        for (global, value) in self.globals.iter().zip(&image.globals) {
            global.set(&mut *store, (*value).into())?;
        }
        Ok(())
    }

    fn image(&self, store: &mut Store<System>) -> Image {
        let memory = self.memory.map(|memory| memory.data(&*store).to_vec()).unwrap_or_default();
        let globals = self.globals.iter().filter_map(|it| Scalar::of(&it.get(&mut *store)));
        let globals = globals.collect();
        Image { memory, globals }
    }
}

fn enter(instance: Instance, entry: &Entry, store: &mut Store<System>) -> wasmtime::Result<()> {
    match entry {
        Entry::Export(name) => {
            instance.get_typed_func::<(), ()>(&mut *store, name)?.call(&mut *store, ())
        }
        Entry::Callback(Callback { function, env }) => {
            let table = instance.get_table(&mut *store, TABLE);
            let element = table.and_then(|table| table.get(&mut *store, *function));
            let Some(Ref::Func(Some(callback))) = element else {
                return Err(wasmtime::Error::msg(format!(
                    "invalid callback: the wasm table has no function at index {function}"
                )));
            };
            let env = match callback.ty(&*store).param(0) {
                Some(wasmtime::ValType::I64) => Val::I64(env.cast_signed()),
                _ => Val::I32((*env as u32).cast_signed()),
            };
            callback.call(&mut *store, &[env], &mut [])
        }
    }
}

/// Returns the reason why an execution failed, with a backtrace.
fn reason(error: &wasmtime::Error, fuel: u64) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => format!("the canister used up its {fuel} units of wasm fuel"),
        _ => trap_text(error),
    }
}

impl Scalar {
    fn of(value: &Val) -> Option<Self> {
        Some(match value {
            Val::I32(value) => Self::I32(*value),
            Val::I64(value) => Self::I64(*value),
            Val::F32(bits) => Self::F32(*bits),
            Val::F64(bits) => Self::F64(*bits),
            Val::V128(value) => Self::V128(value.as_u128()),
            _ => return None,
        })
    }
}

impl From<Scalar> for Val {
    fn from(value: Scalar) -> Self {
        match value {
            Scalar::I32(value) => Self::I32(value),
            Scalar::I64(value) => Self::I64(value),
            Scalar::F32(bits) => Self::F32(bits),
            Scalar::F64(bits) => Self::F64(bits),
            Scalar::V128(value) => Self::V128(V128::from(value)),
        }
    }
}
