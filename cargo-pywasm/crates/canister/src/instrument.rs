//! Exports the parts of a canister that the host needs (its memory, table, mutable globals and
//! start function) under reserved names.
//!
//! The export section is rewritten, and the start section is removed because the start function
//! must not run again when a module is instantiated to continue from a saved state. Nothing else
//! changes.

use anyhow::Context;
use pywasm_wasm::sections::{HEADER, kind, sections};
use wasm_encoder::{ExportKind, ExportSection, Section as _};
use wasmparser::{Parser, Payload, TypeRef, ValType};

pub(super) const MEMORY: &str = "pywasm:memory";
pub(super) const TABLE: &str = "pywasm:table";
pub(super) const START: &str = "pywasm:start";
const GLOBAL: &str = "pywasm:global ";
const RESERVED: &str = "pywasm:";

const EXPORT_SECTION: u8 = 7;
const START_SECTION: u8 = 8;

/// A module with additional exports for the host.
#[derive(Debug)]
pub(super) struct Instrumented {
    /// The module.
    pub(super) module: Vec<u8>,
    /// The names under which the module's mutable globals are exported, in index order.
    pub(super) globals: Vec<String>,
}

/// Returns the name under which a mutable global is exported.
fn global(index: u32) -> String {
    format!("{GLOBAL}{index}")
}

/// Adds the exports for the host to a module.
///
/// # Errors
/// When the module is invalid, has a mutable global of a reference type, or uses a reserved name.
pub(super) fn instrument(module: &[u8]) -> anyhow::Result<Instrumented> {
    let mut exports = ExportSection::new();
    let (mut memories, mut tables, mut next_global) = (0, 0, 0);
    let mut globals = Vec::new();
    let mut start = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("invalid module")? {
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
                            "global {next_global} is mutable and has a reference type, which canisters cannot use"
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
                        "the export name `{}` is reserved for this host",
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

/// Returns the module with these exports and without a start section.
fn with_exports(module: &[u8], exports: &ExportSection) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(module.len() + (4 << 10));
    out.extend_from_slice(&module[..HEADER]);
    let mut written = false;
    for section in sections(module)? {
        // Of the sections that precede the export section, only the tag section (13) has a greater
        // id.
        let is_after = section.id >= EXPORT_SECTION && section.id != 13;
        if is_after && !written {
            exports.append_to(&mut out);
            written = true;
        }
        if section.id != EXPORT_SECTION && section.id != START_SECTION {
            out.extend_from_slice(&module[section.whole]);
        }
    }
    if !written {
        exports.append_to(&mut out);
    }
    Ok(out)
}
