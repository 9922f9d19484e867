//! The engine, and modules that it has compiled.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use camino::Utf8Path;
use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine, ExternType, InstancePre, Linker, OptLevel};

use super::ic0;
use super::instrument::{self, instrument};
use super::system::System;
use pywasm_audit::{self as audit, Code, Content, Given, Policy};
use pywasm_runtime::CompileCache;
use pywasm_session::WithHint;
use pywasm_store::Ctx;

/// wasm's own call stack. Source: dfinity/ic, rs/embedders/src/lib.rs, `MAX_WASM_STACK_SIZE`.
pub(super) const WASM_STACK: usize = 5 << 20;
/// What the host's own frames need beside it.
pub(super) const HOST_STACK: usize = 8 << 20;

/// Reasons for a refusal that are told; `audit-imports` tells all.
const SHOWN: usize = 5;

/// An engine that runs canisters.
#[derive(Clone)]
pub struct Host {
    engine: Engine,
    cache: Option<CompileCache>,
}

/// A canister's module, compiled.
#[derive(Clone)]
pub struct Module(Arc<Inner>);

struct Inner {
    bytes: Vec<u8>,
    digest: [u8; 32],
    compiled: wasmtime::Module,
    globals: Vec<String>,
    /// Ready to be instantiated, or why it can't be installed.
    linked: Result<InstancePre<System>, String>,
}

/// How a method is declared by its export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `canister_update NAME`.
    Update,
    /// `canister_query NAME`.
    Query,
    /// `canister_composite_query NAME`.
    CompositeQuery,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("size", &self.0.bytes.len()).finish_non_exhaustive()
    }
}

impl Host {
    /// An engine with the store's compile cache.
    ///
    /// # Errors
    /// When the store can't be written.
    pub fn new(ctx: &Ctx) -> anyhow::Result<Self> {
        Self::with(Some(CompileCache::open(ctx)?))
    }

    /// An engine that compiles each module anew.
    ///
    /// # Errors
    /// When this machine is none that wasmtime compiles for.
    pub fn without_cache() -> anyhow::Result<Self> {
        Self::with(None)
    }

    fn with(cache: Option<CompileCache>) -> anyhow::Result<Self> {
        Ok(Self { engine: Engine::new(&config()).map_err(wasm_error)?, cache })
    }

    /// Compiles a module, or a gzip of one, or finds it compiled in the store.
    ///
    /// # Errors
    /// When it is not a module of WebAssembly as the Internet Computer takes it. Whether its imports
    /// are there, installing it asks.
    pub fn module(&self, bytes: &[u8]) -> anyhow::Result<Module> {
        let bytes = match Content::of("the module", bytes.to_vec())? {
            Content::Module(bytes) | Content::Compressed(bytes, _) => bytes,
            Content::Object(_) | Content::Archive(_) => anyhow::bail!("it is not linked yet"),
        };
        let instrumented = instrument(&bytes)?;
        let compiled = self
            .compile(&instrumented.module)
            .context("it is not WebAssembly as a canister may be")
            .hint(|| "`cargo pywasm audit-imports --policy ic` says what is wrong".to_owned())?;
        let linked = link(&self.engine, &compiled);
        let digest = Sha256::digest(&bytes).into();
        let globals = instrumented.globals;
        Ok(Module(Arc::new(Inner { bytes, digest, compiled, globals, linked })))
    }

    fn compile(&self, module: &[u8]) -> anyhow::Result<wasmtime::Module> {
        match &self.cache {
            Some(cache) => cache.module(&self.engine, module),
            None => wasmtime::Module::new(&self.engine, module).map_err(wasm_error),
        }
    }

    /// Reads and compiles a file.
    ///
    /// # Errors
    /// As [`Host::module`], or when it can't be read.
    pub fn load(&self, path: &Utf8Path) -> anyhow::Result<Module> {
        self.module(&fs_err::read(path)?)
            .with_context(|| format!("`{path}` can't be loaded as a canister"))
    }
}

impl Module {
    /// The bytes, uncompressed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The SHA-256 of the bytes.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }

    /// Its methods, sorted by name.
    #[must_use]
    pub fn methods(&self) -> Vec<(String, Kind)> {
        let mut methods: Vec<(String, Kind)> = self
            .0
            .compiled
            .exports()
            .filter_map(|export| {
                Kind::ALL.into_iter().find_map(|kind| {
                    let name = export.name().strip_prefix(kind.prefix())?;
                    Some((name.to_owned(), kind))
                })
            })
            .collect();
        methods.sort();
        methods
    }

    /// The kind of a method.
    #[must_use]
    pub fn kind(&self, method: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| self.has(&kind.export(method)))
    }

    pub(super) fn has(&self, export: &str) -> bool {
        matches!(self.0.compiled.get_export(export), Some(ExternType::Func(_)))
    }

    pub(super) fn globals(&self) -> &[String] {
        &self.0.globals
    }

    pub(super) fn compiled(&self) -> &wasmtime::Module {
        &self.0.compiled
    }

    /// Why the Internet Computer would not install it, where this host would: tables that change are
    /// not kept from message to message here, for no canister can change them.
    pub(super) fn refused(&self) -> anyhow::Result<Option<String>> {
        let policy = Policy::load("ic", Utf8Path::new(""))?;
        let module = pywasm_wasm::Module::read(&self.0.bytes)?;
        let found = audit::module(&module, Given::default(), &policy)?;
        let found: Vec<String> = found
            .into_iter()
            // Imports were looked at already, for memories of 64 bits, too; and a start function
            // that may reach what it may not call traps when it does.
            .filter(|it| it.code.is_error())
            .filter(|it| !matches!(it.code, Code::ImportType | Code::StartCalls))
            .map(|finding| format!("{}: {}", finding.subject, finding.message))
            .take(SHOWN)
            .collect();
        Ok((!found.is_empty()).then(|| found.join("; ")))
    }

    /// What is instantiated, or why it can't be installed.
    pub(super) fn linked(&self) -> Result<&InstancePre<System>, &str> {
        self.0.linked.as_ref().map_err(String::as_str)
    }
}

impl Kind {
    const ALL: [Self; 3] = [Self::Update, Self::Query, Self::CompositeQuery];

    fn prefix(self) -> &'static str {
        match self {
            Self::Update => "canister_update ",
            Self::Query => "canister_query ",
            Self::CompositeQuery => "canister_composite_query ",
        }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Query => "query",
            Self::CompositeQuery => "composite query",
        }
    }

    pub(super) fn export(self, method: &str) -> String {
        format!("{}{method}", self.prefix())
    }
}

/// WebAssembly with the proposals that the Internet Computer has, as `policies/ic.toml` lists them;
/// those of garbage collection, threads and exceptions are not compiled into this tool at all.
fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(true)
        .consume_fuel(true)
        .max_wasm_stack(WASM_STACK)
        // Never used, and still checked against the one above.
        .async_stack_size(WASM_STACK + HOST_STACK)
        // Who changes a canister waits for the compiler more than for the canister: of a Python of
        // 6.8 MB with fuel, 3.9 s to 5.5 s on two cores. Winch would take a fifth of that, but with
        // it memory is copied and filled for nothing (wasmtime 48): the fuel of the same message is
        // another, and no bound of time.
        .cranelift_opt_level(OptLevel::None);
    config
}

/// Answers the imports by the functions of `ic0`, or says which there are not.
fn link(engine: &Engine, module: &wasmtime::Module) -> Result<InstancePre<System>, String> {
    let is_64 = matches!(
        module.get_export(instrument::MEMORY),
        Some(ExternType::Memory(memory)) if memory.is_64()
    );
    let mut linker = Linker::new(engine);
    let (mut missing, mut defined) = (BTreeSet::new(), BTreeSet::new());
    for import in module.imports() {
        let name = format!("{}.{}", import.module(), import.name());
        let found = Some(import.name()).filter(|_| import.module() == "ic0");
        let Some(function) = found.and_then(ic0::function) else {
            missing.insert(name);
            continue;
        };
        let own = function.ty(engine, is_64);
        if !matches!(import.ty(), ExternType::Func(ty) if ty.matches(&own)) {
            return Err(format!("`{name}` is imported with another type than {own}"));
        }
        if defined.insert(function.name) {
            function.define(&mut linker, is_64).map_err(|error| format!("{error:#}"))?;
        }
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.into_iter().map(|name| format!("`{name}`")).collect();
        const SHOWN: usize = 3;
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = names[..names.len().min(SHOWN)].join(", ");
        let cure = "WASI is answered by a polyfill once the module is rewired: `cargo pywasm build` writes \
                    the finished one to `target/pywasm/`, `cargo pywasm rewire` does any";
        return Err(format!("it imports what no canister has: {names}{more}\nhint: {cure}"));
    }
    linker.instantiate_pre(module).map_err(|error| format!("{error:#}"))
}

/// wasmtime's error as anyhow's, with its whole chain in one text.
pub(super) fn wasm_error(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
