//! What a host has to reach and a canister does not export: its memory, its table, its mutable
//! globals, its start function. They are exported under reserved names.
//!
//! Only the export section is written anew, and the start section left out: when a module is
//! instantiated again to continue, its start function must not run.

use anyhow::Context;
use pywasm_wasm::sections::{HEADER, kind, sections};
use wasm_encoder::{ExportKind, ExportSection, Section as _};
use wasmparser::{Parser, Payload, TypeRef, ValType};

pub(super) const MEMORY: &str = "pywasm:memory";
pub(super) const TABLE: &str = "pywasm:table";
pub(super) const START: &str = "pywasm:start";
const GLOBAL: &str = "pywasm:global ";
const RESERVED: &str = "pywasm:";

const EXPORTS: u8 = 7;
const STARTS: u8 = 8;

/// A module whose inside can be reached.
#[derive(Debug)]
pub(super) struct Instrumented {
    /// The module.
    pub(super) module: Vec<u8>,
    /// The names of its mutable globals, in their order.
    pub(super) globals: Vec<String>,
}

/// The name of a mutable global.
fn global(index: u32) -> String {
    format!("{GLOBAL}{index}")
}

/// Exports the inside of a module.
///
/// # Errors
/// When it is broken, has globals that no host can keep, or uses a reserved name.
pub(super) fn instrument(module: &[u8]) -> anyhow::Result<Instrumented> {
    let mut exports = ExportSection::new();
    let (mut memories, mut tables, mut next_global) = (0, 0, 0);
    let mut globals = Vec::new();
    let mut start = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("it is a broken module")? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Memory(_) => memories += 1,
                        TypeRef::Table(_) => tables += 1,
                        TypeRef::Global(_) => next_global += 1,
                        _ => {}
                    }
                }
            }
            Payload::TableSection(section) => tables += section.count(),
            Payload::MemorySection(section) => memories += section.count(),
            Payload::GlobalSection(section) => {
                for defined in section {
                    let kind = defined?.ty;
                    if kind.mutable {
                        anyhow::ensure!(
                            !matches!(kind.content_type, ValType::Ref(_)),
                            "global {next_global} holds references, which no canister may"
                        );
                        globals.push(next_global);
                    }
                    next_global += 1;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    anyhow::ensure!(
                        !export.name.starts_with(RESERVED),
                        "its export `{}` has a name that this host needs for itself",
                        export.name
                    );
                    exports.export(export.name, kind(export.kind), export.index);
                }
            }
            Payload::StartSection { func, .. } => start = Some(func),
            Payload::CodeSectionStart { .. } => break,
            _ => {}
        }
    }
    if memories > 0 {
        exports.export(MEMORY, ExportKind::Memory, 0);
    }
    if tables > 0 {
        exports.export(TABLE, ExportKind::Table, 0);
    }
    if let Some(start) = start {
        exports.export(START, ExportKind::Func, start);
    }
    for &index in &globals {
        exports.export(&global(index), ExportKind::Global, index);
    }
    let globals = globals.into_iter().map(global).collect();
    Ok(Instrumented { module: with_exports(module, &exports)?, globals })
}

/// The module with these exports and without a start section.
fn with_exports(module: &[u8], exports: &ExportSection) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(module.len() + (4 << 10));
    out.extend_from_slice(&module[..HEADER]);
    let mut written = false;
    for section in sections(module)? {
        // Sections have an order of their own, in which that of tags stands before its number.
        let is_behind = section.id >= EXPORTS && section.id != 13;
        if is_behind && !written {
            exports.append_to(&mut out);
            written = true;
        }
        if section.id != EXPORTS && section.id != STARTS {
            out.extend_from_slice(&module[section.whole]);
        }
    }
    if !written {
        exports.append_to(&mut out);
    }
    Ok(out)
}
