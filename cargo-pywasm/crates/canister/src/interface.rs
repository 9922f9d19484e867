//! A canister's Candid interface, extracted from its module.
//!
//! `ic_cdk::export_candid!()` exports a function that returns the interface as text. The function
//! may call imports (for example, a hash map needs random numbers), so each import returns zeros,
//! except that WASI reports that there are no files, arguments and environment variables. If the
//! function fails, the error lists the imports that it called.

use std::collections::{BTreeSet, HashSet};

use anyhow::Context;
use candid::TypeEnv;
use candid::types::subtype::subtype_check_all;
use candid::types::{Function, Type, TypeInner};
use candid_parser::{IDLProg, check_prog};
use pywasm_wasm::custom::{self, POINTER};
use wasmtime::{Caller, Extern, ExternType, Instance, Linker, Store, StoreLimits, Val, ValType};

use super::bounds::{self, MAX_TEXT};
use super::host::{Host, Module, wasm_error};
use super::instrument;
use super::text;
use pywasm_runtime::{memory_limit, trap_text};
use pywasm_session::WithHint;

/// The fuel limit for the export, which stops an export that never returns. No interface needs this
/// much fuel.
const FUEL: u64 = 10_000_000_000;
const MAX_MEMORY: u64 = 1 << 30;

/// WASI's error for a file descriptor that is not open. If functions on files succeeded, libc's
/// constructors would look for preopened directories forever.
const BADF: i32 = 8;

/// A canister's interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The source text.
    pub text: String,
    /// The named types of the interface.
    pub env: TypeEnv,
    service: Type,
    /// The methods of the canister, sorted by name.
    pub methods: Vec<(String, Function)>,
    /// The arguments of `canister_init`, if the service declares them.
    pub init: Option<Vec<Type>>,
}

impl Interface {
    /// Parses an interface.
    ///
    /// # Errors
    /// When the text is not Candid, its types are inconsistent, or it has no service.
    pub fn parse(source: &str) -> anyhow::Result<Self> {
        let program: IDLProg = text::parse(source, "the interface", str::parse)?;
        bounds::check_program(&program)?;
        let mut env = TypeEnv::new();
        let service = bounds::with_deep_stack(|| check_prog(&mut env, &program));
        let service = service.context("the interface has inconsistent types")?;
        let service = service.context("the interface has no service")?;
        let traced = env.trace_type(&service).context("the interface has inconsistent types")?;
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

    /// Returns the interface in the metadata of a wasm module, or `None` if the metadata contains
    /// none.
    ///
    /// # Errors
    /// When the metadata is not a valid interface.
    pub fn embedded(module: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(bytes) = custom::read(module, custom::CANDID)? else { return Ok(None) };
        let text = std::str::from_utf8(bytes)
            .map_err(anyhow::Error::from)
            .and_then(Self::parse)
            .with_context(|| format!("the section `{}` is not a valid interface", custom::CANDID));
        text.map(Some)
    }

    /// Returns the interface of a wasm module: the one in its metadata or, if there is none, the
    /// one that its export `get_candid_pointer` returns. Returns `None` if the module has neither.
    ///
    /// # Errors
    /// When the interface cannot be read.
    pub fn of(module: &Module) -> anyhow::Result<Option<Self>> {
        match Self::embedded(module.bytes())? {
            Some(embedded) => Ok(Some(embedded)),
            None if !module.has(POINTER) => Ok(None),
            None => Self::parse(&exported(module)?).map(Some),
        }
    }

    /// Returns the incompatibilities with the interface `promised`, sorted. There are none if every
    /// client of `promised` can use this interface.
    ///
    /// Source: the Candid specification, "Subtyping".
    #[must_use]
    pub fn incompatibilities(&self, promised: &Self) -> Vec<String> {
        let mut env = self.env.clone();
        let service = env.merge_type(promised.env.clone(), promised.service.clone());
        let problems = bounds::with_deep_stack(|| {
            subtype_check_all(&mut HashSet::new(), &env, &self.service, &service)
        });
        let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    }

    /// Returns the type of a method.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&Function> {
        self.methods.iter().find(|(other, _)| other == name).map(|(_, function)| function)
    }
}

/// Runs the export `get_candid_pointer` of a module and returns the interface as text. The module
/// may import WASI functions, but has no access to this machine.
///
/// # Errors
/// When the export is missing, or its result is not a valid interface.
pub fn extract(module: &[u8]) -> anyhow::Result<String> {
    exported(&Host::without_cache()?.module(module)?)
}

/// Runs the export `get_candid_pointer` of a compiled module and returns the interface as text.
///
/// # Errors
/// As for [`extract`].
pub fn exported(module: &Module) -> anyhow::Result<String> {
    if !module.has(POINTER) {
        return Err(anyhow::anyhow!("the module has no export `{POINTER}`"))
            .hint(|| "add `ic_cdk::export_candid!()` after all methods in the crate".to_owned());
    }
    let first = run_export(module, &[]);
    let text = first.or_else(|first| {
        // Some exports work only after the constructors have run.
        let before = [instrument::START, "_initialize"];
        let before: Vec<&str> = before.into_iter().filter(|name| module.has(name)).collect();
        if before.is_empty() { Err(first) } else { run_export(module, &before) }
    });
    let text = text.with_context(|| format!("`{POINTER}` failed"))?;
    Interface::parse(&text)
        .with_context(|| format!("the result of `{POINTER}` is not a valid interface"))?;
    Ok(text)
}

/// The data in the wasmtime store while the export runs.
struct Extraction {
    limits: StoreLimits,
    called: BTreeSet<String>,
}

fn run_export(module: &Module, before: &[&str]) -> anyhow::Result<String> {
    let compiled = module.compiled();
    let limits = memory_limit(Some(MAX_MEMORY));
    let mut store = Store::new(compiled.engine(), Extraction { limits, called: BTreeSet::new() });
    store.limiter(|extraction| &mut extraction.limits);
    store.set_fuel(FUEL).map_err(wasm_error)?;
    let text = read_text(module, before, &mut store);
    let called: Vec<String> = store.data().called.iter().map(|name| format!("`{name}`")).collect();
    text.with_context(|| match called.len() {
        0 => "it called no imports".to_owned(),
        _ => format!("it called these imports, which returned zeros: {}", called.join(", ")),
    })
}

fn read_text(
    module: &Module,
    before: &[&str],
    store: &mut Store<Extraction>,
) -> anyhow::Result<String> {
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
        _ => anyhow::bail!("the result is not an address"),
    };
    let memory = instance.get_memory(&mut *store, instrument::MEMORY);
    let data = memory.context("it has no memory")?.data(&*store);
    let rest = usize::try_from(pointer).ok().and_then(|at| data.get(at..));
    let rest = rest.with_context(|| format!("the address {pointer} is outside the memory"))?;
    let rest = &rest[..rest.len().min(MAX_TEXT)];
    let text = rest.split(|byte| *byte == 0).next().filter(|text| text.len() < rest.len());
    let text = text.context("the text is too long or not terminated")?;
    let text = std::str::from_utf8(text).context("the text is not UTF-8")?;
    Ok(text.to_owned())
}

/// Returns a linker whose functions return zeros and record that they were called.
fn zeros(module: &wasmtime::Module) -> anyhow::Result<Linker<Extraction>> {
    let mut linker = Linker::<Extraction>::new(module.engine());
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
        let is_wasi = import.module().starts_with("wasi_");
        let is_on_files =
            is_wasi && ["fd_", "path_", "sock_"].iter().any(|it| import.name().starts_with(it));
        let has_sizes = is_wasi && import.name().ends_with("_sizes_get");
        let zeros: Vec<Val> = match &ty.results().collect::<Vec<_>>()[..] {
            [ValType::I32] if is_on_files => vec![Val::I32(BADF)],
            results => results.iter().cloned().map(zero).collect(),
        };
        let define = linker.func_new(import.module(), import.name(), ty, {
            move |mut caller, arguments, results| {
                if has_sizes {
                    write_zeros(&mut caller, arguments);
                }
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

/// Writes zeros to the addresses that a function got: the number and the size of the arguments, or of
/// the environment variables.
fn write_zeros(caller: &mut Caller<'_, Extraction>, addresses: &[Val]) {
    let Some(memory) = caller.get_export(instrument::MEMORY).and_then(Extern::into_memory) else {
        return;
    };
    for address in addresses.iter().filter_map(Val::i32) {
        // The program notices a wrong address itself when it reads the value.
        let _ = memory.write(&mut *caller, address.cast_unsigned() as usize, &[0; 4]);
    }
}

fn call(
    instance: Instance,
    name: &str,
    store: &mut Store<Extraction>,
) -> anyhow::Result<Option<Val>> {
    let function = instance.get_func(&mut *store, name);
    let function = function.with_context(|| format!("`{name}` is not a function"))?;
    let ty = function.ty(&*store);
    anyhow::ensure!(ty.params().len() == 0, "`{name}` takes arguments");
    let mut results = vec![Val::I32(0); ty.results().len()];
    function
        .call(&mut *store, &[], &mut results)
        .map_err(|error| anyhow::anyhow!("`{name}` trapped: {}", trap_text(&error)))?;
    Ok(results.pop())
}
