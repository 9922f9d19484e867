//! Determines the form of a wasm module, and checks whether a snapshot of the module is possible.

use std::collections::BTreeSet;

use anyhow::Context;
use pywasm_wasm::custom;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

use pywasm_session::WithHint;

/// The export that runs the constructors of a command. This export and the next three are defined
/// in `guest/snapshot.c` in `pywasm-cpython`.
pub(super) const BEGIN: &str = "pywasm_snapshot_begin";
/// The export that returns a buffer for the names of the Python modules to import.
pub(super) const NAMES: &str = "pywasm_snapshot_names";
/// The export that initializes Python (unless it is already initialized), imports the Python
/// modules, and drops state that a snapshot cannot keep.
pub(super) const END: &str = "pywasm_snapshot_end";
/// The export that becomes the entry point of the snapshot.
pub(super) const RESUME: &str = "pywasm_resume";

/// The export of the interpreter that returns memory for embedded files, defined in `guest/files.c`.
pub(super) const FILES: &str = "pywasm_snapshot_files";

pub(super) const START: &str = "_start";
pub(super) const INITIALIZE: &str = "_initialize";
/// The name under which wizer exports the memory.
pub(super) const MEMORY: &str = "__wizer_memory_0";

/// The form of a wasm module, which determines the entry point of its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A command, whose entry point is `_start`.
    Command,
    /// A reactor, whose exports the host calls after `_initialize`.
    Reactor,
    /// A canister. In its snapshot, Python is initialized before `canister_init` runs.
    Canister,
    /// A module without the code for Python snapshots. No code runs when its snapshot starts.
    Foreign,
}

impl Form {
    /// Returns the form of a module.
    ///
    /// # Errors
    /// When the module is invalid or already a snapshot, has no initialization, or has state that a
    /// snapshot cannot keep.
    pub fn of(module: &[u8], init: Option<&str>) -> anyhow::Result<Self> {
        let contents = Contents::read(module)?;
        if custom::read(module, custom::SNAPSHOT)?.is_some() {
            return Err(anyhow::anyhow!("it is already a snapshot"))
                .hint(|| "use the module that the linker wrote".to_owned());
        }
        anyhow::ensure!(
            contents.memories == 1,
            "it has {} memories, but a snapshot needs exactly one",
            contents.memories
        );
        anyhow::ensure!(
            !contents.shared,
            "its memory is shared between threads, which a snapshot cannot keep"
        );
        if let Some(what) = contents.imported {
            anyhow::bail!("it imports {what}, which a snapshot cannot keep");
        }
        let has = |name: &str| contents.functions.contains(name);
        if let Some(init) = init
            && !has(init)
        {
            return Err(anyhow::anyhow!("it exports no function `{init}`")).hint(|| {
                "in Rust, declare it as `#[unsafe(no_mangle)] pub extern \"C\" fn`".to_owned()
            });
        }
        let ours = [NAMES, END].into_iter().all(has);
        if !ours && init.is_none() {
            return Err(anyhow::anyhow!(
                "it has no export `{END}`, which initializes Python for a snapshot"
            ))
            .hint(|| {
                "add `snapshot = {}` to [package.metadata.pywasm], or specify your own function \
                     with `--init`"
                    .to_owned()
            });
        }
        if contents.functions.iter().any(|name| name.starts_with("canister_")) {
            return Ok(Self::Canister);
        }
        match (has(START), ours && has(RESUME)) {
            (true, true) if has(BEGIN) => Ok(Self::Command),
            (false, true) => Ok(Self::Reactor),
            (true, _) => Err(anyhow::anyhow!(
                "it is a command without `{RESUME}`, so its `_start` would repeat the initialization"
            ))
            .hint(|| "add `snapshot = {}` to [package.metadata.pywasm]".to_owned()),
            (false, false) => Ok(Self::Foreign),
        }
    }

    /// Returns the entry point that `pywasm_resume` replaces, if there is one.
    pub(super) fn resume_entry(self) -> Option<&'static str> {
        match self {
            Self::Command => Some(START),
            Self::Reactor => Some(INITIALIZE),
            Self::Canister | Self::Foreign => None,
        }
    }
}

/// The parts of a module that determine its form.
#[derive(Default)]
struct Contents<'a> {
    functions: BTreeSet<&'a str>,
    memories: u32,
    shared: bool,
    imported: Option<String>,
}

impl<'a> Contents<'a> {
    fn read(module: &'a [u8]) -> anyhow::Result<Self> {
        let mut contents = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload.context("invalid module")? {
                Payload::Version { encoding, .. } => anyhow::ensure!(
                    encoding == wasmparser::Encoding::Module,
                    "it is a component, not a module"
                ),
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.context("invalid module")?;
                        let what = match import.ty {
                            TypeRef::Memory(_) => "memory",
                            TypeRef::Table(_) => "table",
                            TypeRef::Global(_) => "global",
                            _ => continue,
                        };
                        let what = format!("{what} `{}.{}`", import.module, import.name);
                        contents.memories += u32::from(matches!(import.ty, TypeRef::Memory(_)));
                        contents.imported.get_or_insert(what);
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory.context("invalid module")?;
                        contents.memories += 1;
                        contents.shared |= memory.shared;
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.context("invalid module")?;
                        if export.kind == ExternalKind::Func {
                            contents.functions.insert(export.name);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(contents)
    }
}
