//! A canister's interface in Candid: found in the module, and read.
//!
//! `ic_cdk::export_candid!()` exports a function that makes the text when it is called. It may ask the
//! system for something on the way (a hash map wants random numbers), so every import is answered
//! by a zero of its type, and those that were called are named when that does not do.

use std::collections::{BTreeSet, HashSet};

use anyhow::Context;
use candid::TypeEnv;
use candid::types::subtype::subtype_check_all;
use candid::types::{Function, Type, TypeInner};
use candid_parser::{IDLProg, check_prog};
use pywasm_wasm::custom::{self, POINTER};
use wasmtime::{ExternType, Instance, Linker, Store, StoreLimits, Val, ValType};

use super::bounds::{self, MOST_TEXT};
use super::host::{Host, Module, wasm_error};
use super::instrument;
use super::text;
use pywasm_runtime::{memory_of, trap_text};
use pywasm_session::WithHint;

/// More than any interface takes; a module that never ends is not waited for.
const FUEL: u64 = 10_000_000_000;
const MOST_MEMORY: u64 = 1 << 30;

/// A canister's interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// As it was written.
    pub text: String,
    /// The types that it names.
    pub env: TypeEnv,
    service: Type,
    /// Its methods, sorted by name.
    pub methods: Vec<(String, Function)>,
    /// The arguments of `canister_init`, where the service says them.
    pub init: Option<Vec<Type>>,
}

impl Interface {
    /// Reads Candid.
    ///
    /// # Errors
    /// When it is not Candid, its types do not fit together, or it has no service.
    pub fn parse(source: &str) -> anyhow::Result<Self> {
        let program: IDLProg = text::parsed(source, "the interface", str::parse)?;
        bounds::program(&program)?;
        let mut env = TypeEnv::new();
        let service = bounds::deep(|| check_prog(&mut env, &program));
        let service = service.context("the interface is not in order")?;
        let service = service.context("the interface has no service")?;
        let traced = env.trace_type(&service).context("the interface is not in order")?;
        let init = match traced.as_ref() {
            TypeInner::Class(args, _) => Some(args.clone()),
            _ => None,
        };
        let mut methods = Vec::new();
        for (name, ty) in env.as_service(&service)? {
            methods.push((name.clone(), env.as_func(ty)?.clone()));
        }
        methods.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { text: source.to_owned(), env, service, methods, init })
    }

    /// The interface that a module tells in its metadata.
    ///
    /// # Errors
    /// When what is there is no interface.
    pub fn told(module: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(bytes) = custom::read(module, custom::CANDID)? else { return Ok(None) };
        let text = std::str::from_utf8(bytes)
            .map_err(anyhow::Error::from)
            .and_then(Self::parse)
            .with_context(|| format!("the section `{}` is no interface", custom::CANDID));
        text.map(Some)
    }

    /// The interface of a module: as its metadata tell it, else as it says itself; `None` when it
    /// does neither.
    ///
    /// # Errors
    /// When it has one that can't be read.
    pub fn of(module: &Module) -> anyhow::Result<Option<Self>> {
        match Self::told(module.bytes())? {
            Some(told) => Ok(Some(told)),
            None if !module.has(POINTER) => Ok(None),
            None => Self::parse(&said(module)?).map(Some),
        }
    }

    /// What a canister of this interface does not do that one of `promised` does, sorted: empty when
    /// each of its clients is served.
    ///
    /// Source: the Candid specification, "Subtyping".
    #[must_use]
    pub fn breaks(&self, promised: &Self) -> Vec<String> {
        let mut env = self.env.clone();
        let theirs = env.merge_type(promised.env.clone(), promised.service.clone());
        let found =
            bounds::deep(|| subtype_check_all(&mut HashSet::new(), &env, &self.service, &theirs));
        let mut lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    }

    /// A method.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&Function> {
        self.methods.iter().find(|(of, _)| of == name).map(|(_, function)| function)
    }
}

/// The interface that a module says by its export `get_candid_pointer`, as text. WASI may be among
/// its imports; nothing of this machine is given to it.
///
/// # Errors
/// When it has no such export, or what it says is no interface.
pub fn extract(module: &[u8]) -> anyhow::Result<String> {
    said(&Host::without_cache()?.module(module)?)
}

/// The same of a module that is compiled.
///
/// # Errors
/// As [`extract`].
pub fn said(module: &Module) -> anyhow::Result<String> {
    if !module.has(POINTER) {
        return Err(anyhow::anyhow!("the module has no export `{POINTER}`, which says it")).hint(
            || "`ic_cdk::export_candid!()` behind all methods of the crate makes it".to_owned(),
        );
    }
    let first = ask(module, &[]);
    let answer = first.or_else(|first| {
        // Constructors that nobody has called yet may be what it lacks.
        let before = [instrument::START, "_initialize"];
        let before: Vec<&str> = before.into_iter().filter(|name| module.has(name)).collect();
        if before.is_empty() { Err(first) } else { ask(module, &before) }
    });
    let text = answer.with_context(|| format!("`{POINTER}` did not say the interface"))?;
    Interface::parse(&text).with_context(|| format!("what `{POINTER}` says is no interface"))?;
    Ok(text)
}

/// What an interface is asked with.
struct Asked {
    limits: StoreLimits,
    called: BTreeSet<String>,
}

fn ask(module: &Module, before: &[&str]) -> anyhow::Result<String> {
    let compiled = module.compiled();
    let limits = memory_of(Some(MOST_MEMORY));
    let mut store = Store::new(compiled.engine(), Asked { limits, called: BTreeSet::new() });
    store.limiter(|asked| &mut asked.limits);
    store.set_fuel(FUEL).map_err(wasm_error)?;
    let answer = answered(module, before, &mut store);
    let called: Vec<String> = store.data().called.iter().map(|name| format!("`{name}`")).collect();
    answer.with_context(|| match called.len() {
        0 => "it called no import".to_owned(),
        _ => format!("it called imports, which were answered by zeros: {}", called.join(", ")),
    })
}

fn answered(module: &Module, before: &[&str], store: &mut Store<Asked>) -> anyhow::Result<String> {
    let compiled = module.compiled();
    let mut linker = zeros(compiled)?;
    linker.define_unknown_imports_as_default_values(&mut *store, compiled).map_err(wasm_error)?;
    let instance = linker.instantiate(&mut *store, compiled).map_err(wasm_error)?;
    for name in before {
        call(instance, name, store)?;
    }
    let pointer = match call(instance, POINTER, store)? {
        Some(Val::I32(at)) => u64::from(at.cast_unsigned()),
        Some(Val::I64(at)) => at.cast_unsigned(),
        _ => anyhow::bail!("it gives no address"),
    };
    let memory = instance.get_memory(&mut *store, instrument::MEMORY);
    let data = memory.context("it has no memory")?.data(&*store);
    let rest = usize::try_from(pointer).ok().and_then(|at| data.get(at..));
    let rest = rest.with_context(|| format!("its address {pointer} is outside of its memory"))?;
    let rest = &rest[..rest.len().min(MOST_TEXT)];
    let text = rest.split(|byte| *byte == 0).next().filter(|text| text.len() < rest.len());
    let text = text.context("its text has no end")?;
    let text = std::str::from_utf8(text).context("its text is not UTF-8")?;
    Ok(text.to_owned())
}

/// Functions that note that they were called, and answer zeros.
fn zeros(module: &wasmtime::Module) -> anyhow::Result<Linker<Asked>> {
    let mut linker = Linker::<Asked>::new(module.engine());
    linker.allow_shadowing(true);
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else { continue };
        let name = format!("{}.{}", import.module(), import.name());
        let is_zero = ty.results().all(|ty| !matches!(ty, ValType::Ref(_)));
        if !is_zero {
            continue;
        }
        let zero = |ty: ValType| match ty {
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(0.into()),
            _ => Val::I32(0),
        };
        let zeros: Vec<Val> = ty.results().map(zero).collect();
        let define = linker.func_new(import.module(), import.name(), ty, {
            move |mut caller, _, results| {
                if !caller.data().called.contains(&name) {
                    caller.data_mut().called.insert(name.clone());
                }
                results.copy_from_slice(&zeros);
                Ok(())
            }
        });
        define.map_err(wasm_error)?;
    }
    Ok(linker)
}

fn call(instance: Instance, name: &str, store: &mut Store<Asked>) -> anyhow::Result<Option<Val>> {
    let function = instance.get_func(&mut *store, name);
    let function = function.with_context(|| format!("`{name}` is no function"))?;
    let ty = function.ty(&*store);
    anyhow::ensure!(ty.params().len() == 0, "`{name}` wants arguments");
    let mut results = vec![Val::I32(0); ty.results().len()];
    function
        .call(&mut *store, &[], &mut results)
        .map_err(|error| anyhow::anyhow!("`{name}` trapped: {}", trap_text(&error)))?;
    Ok(results.pop())
}
