//! The byte ranges of a module's sections. Code that changes one section uses them to copy all
//! others unchanged.

use std::ops::Range;

use anyhow::Context;
use wasm_encoder::ExportKind;
use wasmparser::{BinaryReader, ExternalKind};

/// The size of the module header: magic number and version.
pub const HEADER: usize = 8;

/// One section of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The section id as defined in the core specification, or 0 for a custom section.
    pub id: u8,
    /// The byte range of the section, including its id and size.
    pub whole: Range<usize>,
    /// The byte range of the section's content.
    pub content: Range<usize>,
}

/// Returns the sections in file order. Their content is not checked.
///
/// # Errors
/// When the bytes are not a module, or a section is truncated.
pub fn sections(module: &[u8]) -> anyhow::Result<Vec<Section>> {
    walk(module)?.collect()
}

/// Iterates over the sections in file order without collecting them, because even a small file can
/// contain a large number of sections. If a section is truncated, the last item is an error.
///
/// # Errors
/// When the bytes are not a module.
pub fn walk(module: &[u8]) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Section>> + '_> {
    anyhow::ensure!(module.starts_with(b"\0asm\x01\0\0\0"), "not a wasm module");
    let mut at = HEADER;
    Ok(std::iter::from_fn(move || {
        let rest = module.get(at..).filter(|rest| !rest.is_empty())?;
        let next = next(module, at, rest);
        // A truncated section ends the iteration.
        at = next.as_ref().map_or(module.len(), |section| section.whole.end);
        Some(next)
    }))
}

fn next(module: &[u8], at: usize, rest: &[u8]) -> anyhow::Result<Section> {
    let mut reader = BinaryReader::new(rest, 0);
    let mut head =
        || -> wasmparser::Result<(u8, u32)> { Ok((reader.read_u8()?, reader.read_var_u32()?)) };
    let (id, size) = head().context("a section header is truncated")?;
    let begin = module.len() - reader.bytes_remaining();
    let end = begin + size as usize;
    anyhow::ensure!(end <= module.len(), "a section of {size} bytes is truncated");
    Ok(Section { id, whole: at..end, content: begin..end })
}

/// Converts an export kind from wasmparser's type to wasm-encoder's.
pub fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}
