//! A module as the sections it is made of, for changes that leave the others as they are.

use std::ops::Range;

use anyhow::Context;
use wasm_encoder::ExportKind;
use wasmparser::{BinaryReader, ExternalKind};

/// The magic number and the version.
pub const HEADER: usize = 8;

/// One section of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is: 0 is a custom section.
    pub id: u8,
    /// All of it, its id and size included.
    pub whole: Range<usize>,
    /// What is in it.
    pub content: Range<usize>,
}

/// The sections, in their order. Nothing is asked of their content.
///
/// # Errors
/// When it is no module, or one that is cut off.
pub fn sections(module: &[u8]) -> anyhow::Result<Vec<Section>> {
    walk(module)?.collect()
}

/// The same one by one: a small file may have very many.
///
/// # Errors
/// When it is no module; an item, when that section is cut off.
pub fn walk(module: &[u8]) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Section>> + '_> {
    anyhow::ensure!(module.starts_with(b"\0asm\x01\0\0\0"), "it is not a wasm module");
    let mut at = HEADER;
    Ok(std::iter::from_fn(move || {
        let rest = module.get(at..).filter(|rest| !rest.is_empty())?;
        let next = next(module, at, rest);
        // Behind one that is broken there is nothing.
        at = next.as_ref().map_or(module.len(), |section| section.whole.end);
        Some(next)
    }))
}

fn next(module: &[u8], at: usize, rest: &[u8]) -> anyhow::Result<Section> {
    let mut reader = BinaryReader::new(rest, 0);
    let mut head =
        || -> wasmparser::Result<(u8, u32)> { Ok((reader.read_u8()?, reader.read_var_u32()?)) };
    let (id, size) = head().context("a section has no head")?;
    let begin = module.len() - reader.bytes_remaining();
    let end = begin + size as usize;
    anyhow::ensure!(end <= module.len(), "a section of {size} bytes is cut off");
    Ok(Section { id, whole: at..end, content: begin..end })
}

/// What an export is, for the library that writes it.
pub fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}
