//! The engine that runs canisters, and the wasm modules that it compiles.

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

/// The size of the wasm call stack. Source: dfinity/ic, rs/embedders/src/lib.rs,
/// `MAX_WASM_STACK_SIZE`.
pub(super) const WASM_STACK: usize = 5 << 20;
/// The size of the stack for the host's own frames, in addition to the wasm call stack.
pub(super) const HOST_STACK: usize = 8 << 20;

/// The maximum number of reasons shown for a refusal. `audit-imports` shows all of them.
const MAX_REASONS: usize = 5;
/// The maximum number of missing imports shown.
const MAX_IMPORTS: usize = 3;

/// An engine that runs canisters.
#[derive(Clone)]
pub struct Host {
    engine: Engine,
    cache: Option<CompileCache>,
}

/// A compiled canister module.
#[derive(Clone)]
pub struct Module(Arc<Inner>);

struct Inner {
    bytes: Vec<u8>,
    digest: [u8; 32],
    compiled: wasmtime::Module,
    globals: Vec<String>,
    /// The linked module, or the reason why it cannot be installed.
    linked: Result<InstancePre<System>, String>,
}

/// The kind of a method, declared by the name of its export.
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
    /// Creates an engine that uses the store's cache of compiled modules.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn new(ctx: &Ctx) -> anyhow::Result<Self> {
        Self::with(Some(CompileCache::open(ctx)?))
    }

    /// Creates an engine that compiles each module without a cache.
    ///
    /// # Errors
    /// When wasmtime doesn't support this machine.
    pub fn without_cache() -> anyhow::Result<Self> {
        Self::with(None)
    }

    fn with(cache: Option<CompileCache>) -> anyhow::Result<Self> {
        Ok(Self { engine: Engine::new(&config()).map_err(wasm_error)?, cache })
    }

    /// Compiles a wasm module, which may be gzip-compressed, or loads its compiled form from the
    /// store. Unknown imports are reported only when the module is installed.
    ///
    /// # Errors
    /// When `bytes` are not a WebAssembly module that the Internet Computer accepts.
    pub fn module(&self, bytes: &[u8]) -> anyhow::Result<Module> {
        let bytes = Content::of("the module", bytes.to_vec())?.into_module()?;
        let instrumented = instrument(&bytes)?;
        let compiled = self
            .compile(&instrumented.module)
            .context("not a WebAssembly module that a canister can use")
            .hint(|| {
                "run `cargo pywasm audit-imports --policy ic` to see the reasons".to_owned()
            })?;
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

    /// Reads and compiles the module in a file.
    ///
    /// # Errors
    /// As for [`Host::module`], or when the file cannot be read.
    pub fn load(&self, path: &Utf8Path) -> anyhow::Result<Module> {
        self.module(&fs_err::read(path)?)
            .with_context(|| format!("cannot load `{path}` as a canister"))
    }
}

impl Module {
    /// Returns the uncompressed bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Returns the SHA-256 of the uncompressed bytes.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }

    /// Returns the methods of the canister, sorted by name.
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

    /// Returns the kind of a method.
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

    /// Returns the reason why the Internet Computer would refuse the module, although this host
    /// could run it. For example, the Internet Computer refuses modules that change wasm tables.
    /// This host would run such modules, but would not keep the changes to their tables.
    pub(super) fn refused(&self) -> anyhow::Result<Option<String>> {
        let policy = Policy::load("ic", Utf8Path::new(""))?;
        let module = pywasm_wasm::Module::read(&self.0.bytes)?;
        let findings = audit::module(&module, Given::default(), &policy)?;
        let reasons: Vec<String> = findings
            .into_iter()
            .filter(|it| it.code.is_error())
            // Two kinds of findings are not needed. `link` has already checked the types of the
            // imports, for modules with a 32-bit or a 64-bit memory. A start function that calls a
            // forbidden import traps when it runs.
            .filter(|it| !matches!(it.code, Code::ImportType | Code::StartCalls))
            .map(|finding| format!("{}: {}", finding.subject, finding.message))
            .take(MAX_REASONS)
            .collect();
        Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
    }

    /// Returns the linked module, or the reason why it cannot be installed.
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

    /// Returns the name of the kind, for messages.
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

/// Returns an engine configuration that enables the WebAssembly proposals that the Internet
/// Computer supports. `policies/ic.toml` lists these proposals. wasmtime is built without support
/// for garbage collection, threads and exceptions.
fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(true)
        .consume_fuel(true)
        .max_wasm_stack(WASM_STACK)
        // This stack is unused, but wasmtime requires it to be larger than `max_wasm_stack`.
        .async_stack_size(WASM_STACK + HOST_STACK)
        // During development, compiling a canister takes longer than running its messages. Without
        // optimization, a canister with 6.8 MB of Python compiles in 3.9 s instead of 5.5 s on two
        // cores. Winch would compile several times faster, but it doesn't charge fuel for
        // memory.copy and memory.fill (wasmtime 48), so the fuel limit would not limit the running
        // time of a message.
        .cranelift_opt_level(OptLevel::None);
    config
}

/// Links a module with the `ic0` functions, or returns the reason why it cannot be linked.
fn link(engine: &Engine, module: &wasmtime::Module) -> Result<InstancePre<System>, String> {
    let is_64 = matches!(
        module.get_export(instrument::MEMORY),
        Some(ExternType::Memory(memory)) if memory.is_64()
    );
    let mut linker = Linker::new(engine);
    let (mut missing, mut defined) = (BTreeSet::new(), BTreeSet::new());
    for import in module.imports() {
        let name = format!("{}.{}", import.module(), import.name());
        let known = Some(import.name()).filter(|_| import.module() == "ic0");
        let Some(function) = known.and_then(ic0::function) else {
            missing.insert(name);
            continue;
        };
        let own = function.ty(engine, is_64);
        if !matches!(import.ty(), ExternType::Func(ty) if ty.matches(&own)) {
            return Err(format!("`{name}` is imported with a type other than {own}"));
        }
        if defined.insert(function.name) {
            function.define(&mut linker, is_64).map_err(|error| format!("{error:#}"))?;
        }
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.into_iter().map(|name| format!("`{name}`")).collect();
        let more = names.len().saturating_sub(MAX_IMPORTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = names[..names.len().min(MAX_IMPORTS)].join(", ");
        return Err(format!(
            "it has imports that canisters cannot use: {names}{more}; `cargo pywasm rewire` \
             replaces WASI imports, and `cargo pywasm build` writes the result to `target/pywasm/`"
        ));
    }
    linker.instantiate_pre(module).map_err(|error| format!("{error:#}"))
}

/// Converts a wasmtime error to an error whose message contains the whole chain of causes.
pub(super) fn wasm_error(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
