//! What a module is, and whether it can go on from a snapshot.

use std::collections::BTreeSet;

use anyhow::Context;
use pywasm_wasm::custom;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

use pywasm_session::WithHint;

/// Runs the constructors of a command. Source of these four: install/snapshot.c.
pub(super) const BEGIN: &str = "pywasm_snapshot_begin";
/// Gives room for the names of what is imported.
pub(super) const NAMES: &str = "pywasm_snapshot_names";
/// Initializes Python where nobody has, imports, and lets go of what can't be kept.
pub(super) const END: &str = "pywasm_snapshot_end";
/// The beginning of the module that is made.
pub(super) const RESUME: &str = "pywasm_resume";

pub(super) const START: &str = "_start";
pub(super) const INITIALIZE: &str = "_initialize";
/// The memory, by the name that wizer exports it under.
pub(super) const MEMORY: &str = "__wizer_memory_0";

/// What begins a module, and so what a snapshot of it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `_start`.
    Command,
    /// `_initialize`, then its exports.
    Reactor,
    /// `canister_init`, which finds everything done.
    Canister,
    /// `_initialize`, and nothing of ours in it: nothing is made right at the resume.
    Foreign,
}

impl Form {
    /// The form of a module.
    ///
    /// # Errors
    /// When it is broken, a snapshot already, has no initialization that could be run, or a memory that
    /// can't be kept.
    pub fn of(module: &[u8], init: Option<&str>) -> anyhow::Result<Self> {
        let seen = Seen::read(module)?;
        if custom::read(module, custom::SNAPSHOT)?.is_some() {
            return Err(anyhow::anyhow!("it is a snapshot already"))
                .hint(|| "take the module that the linker made".to_owned());
        }
        anyhow::ensure!(
            seen.memories == 1,
            "it has {} memories, and one is what can be kept",
            seen.memories
        );
        anyhow::ensure!(!seen.shared, "its memory is shared with other threads, which have no end");
        if let Some(what) = seen.imported {
            anyhow::bail!("it imports {what}: what somebody else has can't be kept");
        }
        let has = |name: &str| seen.functions.contains(name);
        if let Some(init) = init
            && !has(init)
        {
            return Err(anyhow::anyhow!("it exports no function `{init}`"))
                .hint(|| "in Rust: `#[unsafe(no_mangle)] pub extern \"C\" fn`".to_owned());
        }
        let ours = [NAMES, END].into_iter().all(has);
        if !ours && init.is_none() {
            return Err(anyhow::anyhow!(
                "it has no `{END}`, which initializes Python for a snapshot"
            ))
            .hint(|| {
                "`snapshot = {}` in [package.metadata.pywasm] links it; `--init` names a function \
                     of your own"
                    .to_owned()
            });
        }
        if seen.functions.iter().any(|name| name.starts_with("canister_")) {
            return Ok(Self::Canister);
        }
        match (has(START), ours && has(RESUME)) {
            (true, true) if has(BEGIN) => Ok(Self::Command),
            (false, true) => Ok(Self::Reactor),
            (true, _) => Err(anyhow::anyhow!(
                "it is a command without `{RESUME}`: its `_start` would initialize all of it again"
            ))
            .hint(|| "`snapshot = {}` in [package.metadata.pywasm] links it".to_owned()),
            (false, false) => Ok(Self::Foreign),
        }
    }

    /// The export that `pywasm_resume` becomes, where it becomes any.
    pub(super) fn beginning(self) -> Option<&'static str> {
        match self {
            Self::Command => Some(START),
            Self::Reactor => Some(INITIALIZE),
            Self::Canister | Self::Foreign => None,
        }
    }
}

#[derive(Default)]
struct Seen<'a> {
    functions: BTreeSet<&'a str>,
    memories: u32,
    shared: bool,
    imported: Option<String>,
}

impl<'a> Seen<'a> {
    fn read(module: &'a [u8]) -> anyhow::Result<Self> {
        let mut seen = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload.context("it is a broken module")? {
                Payload::Version { encoding, .. } => anyhow::ensure!(
                    encoding == wasmparser::Encoding::Module,
                    "it is a component, not a module"
                ),
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.context("it is a broken module")?;
                        let what = match import.ty {
                            TypeRef::Memory(_) => "memory",
                            TypeRef::Table(_) => "table",
                            TypeRef::Global(_) => "global",
                            _ => continue,
                        };
                        let what = format!("{what} `{}.{}`", import.module, import.name);
                        seen.memories += u32::from(matches!(import.ty, TypeRef::Memory(_)));
                        seen.imported.get_or_insert(what);
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory.context("it is a broken module")?;
                        seen.memories += 1;
                        seen.shared |= memory.shared;
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.context("it is a broken module")?;
                        if export.kind == ExternalKind::Func {
                            seen.functions.insert(export.name);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(seen)
    }
}
