//! Replaces the code of one function in a relocatable object.
//!
//! Relocation offsets count from the first byte of a section's content (see *WebAssembly Object
//! File Linking* in the WebAssembly tool conventions).

use std::ops::Range;

use pywasm_wasm::sections::{HEADER, Section, sections};
use wasm_encoder::{CustomSection, Encode as _, RawSection, Section as _};
use wasmparser::{
    BinaryReader, CodeSectionReader, CompositeInnerType, FuncType, FunctionBody,
    FunctionSectionReader, ImportSectionReader, Linking, LinkingSectionReader, RelocAddendKind,
    RelocSectionReader, RelocationEntry, SymbolInfo, TypeRef, TypeSectionReader, Validator,
    WasmFeatures,
};

const CUSTOM: u8 = 0;
const TYPES: u8 = 1;
const IMPORTS: u8 = 2;
const FUNCTIONS: u8 = 3;
const CODE: u8 = 10;

/// An object file and one of its functions.
pub(super) struct Object<'a> {
    bytes: &'a [u8],
    sections: Vec<Section>,
    /// The code section.
    code: Section,
    /// The index of the code section.
    number: u32,
    pub(super) ty: FuncType,
    /// The function's body. Offsets in the body count from the start of the file.
    pub(super) body: FunctionBody<'a>,
}

impl<'a> Object<'a> {
    /// Reads an object file and finds the function with this name.
    ///
    /// # Errors
    /// When the object or the function cannot be rewritten. The error string states the reason.
    pub(super) fn read(bytes: &'a [u8], function: &str) -> Result<Self, String> {
        // The analysis does not support control-flow instructions that were added after WebAssembly
        // 2.0 (exceptions, tail calls).
        Validator::new_with_features(WasmFeatures::WASM2 | WasmFeatures::EXTENDED_CONST)
            .validate_all(bytes)
            .map_err(|it| format!("the object is not valid WebAssembly 2.0: {it}"))?;
        let broken = |error: wasmparser::Error| format!("the object is malformed: {error}");
        let sections = sections(bytes).map_err(|it| format!("{it:#}"))?;
        let reader = |section: &Section| {
            BinaryReader::new(&bytes[section.content.clone()], section.content.start)
        };
        let (mut types, mut functions, mut imported, mut index) = (Vec::new(), Vec::new(), 0, None);
        for section in &sections {
            match section.id {
                TYPES => {
                    for group in TypeSectionReader::new(reader(section)).map_err(broken)? {
                        types.extend(group.map_err(broken)?.into_types());
                    }
                }
                IMPORTS => {
                    let imports = ImportSectionReader::new(reader(section)).map_err(broken)?;
                    for import in imports.into_imports() {
                        let import = import.map_err(broken)?;
                        imported += u32::from(matches!(import.ty, TypeRef::Func(_)));
                    }
                }
                FUNCTIONS => {
                    for ty in FunctionSectionReader::new(reader(section)).map_err(broken)? {
                        functions.push(ty.map_err(broken)?);
                    }
                }
                CUSTOM => {
                    let name = reader(section).read_string().map_err(broken)?;
                    if name.starts_with(".debug_") {
                        return Err(
                            "the object has debug information, whose offsets would change".into()
                        );
                    }
                    if name == "linking" {
                        index = index.or(symbol(skip_name(reader(section))?, function)?);
                    }
                }
                _ => {}
            }
        }
        let at = index.and_then(|index| index.checked_sub(imported)).map(|at| at as usize);
        let at = at.ok_or_else(|| format!("the object has no function `{function}`"))?;
        let ty =
            functions.get(at).and_then(|ty| types.get(*ty as usize)).map(|ty| &ty.composite_type);
        let Some(CompositeInnerType::Func(ty)) = ty.map(|it| &it.inner) else {
            return Err(format!("`{function}` has no type"));
        };
        let number = sections.iter().position(|section| section.id == CODE);
        let number = number.ok_or("the object has no code section")?;
        let code = sections[number].clone();
        let bodies = CodeSectionReader::new(reader(&code)).map_err(broken)?;
        let body = bodies
            .into_iter()
            .nth(at)
            .ok_or("the object has too few function bodies")?
            .map_err(broken)?;
        let number = u32::try_from(number).map_err(|it| it.to_string())?;
        Ok(Self { bytes, sections, code, number, ty: ty.clone(), body })
    }

    /// Starts a new function body that declares the same variables as the old one.
    pub(super) fn rewritten(self) -> Rewritten<'a> {
        let range = self.body.range();
        let first = self.body.get_operators_reader().map(|it| it.original_position());
        let first = first.unwrap_or(range.end);
        let written = self.bytes[range.start..first].to_vec();
        Rewritten { moved: vec![(range.start, 0)], range, object: self, written }
    }
}

/// Skips the name of a custom section.
fn skip_name(mut reader: BinaryReader<'_>) -> Result<BinaryReader<'_>, String> {
    reader.read_string().map_err(|it| it.to_string())?;
    Ok(reader)
}

/// Returns the index of the function with this symbol name.
fn symbol(linking: BinaryReader<'_>, function: &str) -> Result<Option<u32>, String> {
    let broken = |error: wasmparser::Error| format!("the symbol table is malformed: {error}");
    for part in LinkingSectionReader::new(linking).map_err(broken)?.subsections() {
        let Linking::SymbolTable(symbols) = part.map_err(broken)? else { continue };
        for symbol in symbols {
            match symbol.map_err(broken)? {
                SymbolInfo::Func { index, name: Some(name), .. } if name == function => {
                    return Ok(Some(index));
                }
                _ => {}
            }
        }
    }
    Ok(None)
}

/// A new function body while it is being written.
pub(super) struct Rewritten<'a> {
    object: Object<'a>,
    /// The range of the old body.
    range: Range<usize>,
    written: Vec<u8>,
    /// Pairs of an offset in the old file and a distance in bytes, sorted by offset. The old code
    /// from this offset up to the offset of the next pair has moved by this distance, relative to
    /// the start of the function's body.
    moved: Vec<(usize, i64)>,
}

impl Rewritten<'_> {
    pub(super) fn copy(&mut self, code: Range<usize>) {
        self.moves(code.start);
        self.written.extend_from_slice(&self.object.bytes[code]);
    }

    pub(super) fn insert(&mut self, code: &[u8]) {
        self.written.extend_from_slice(code);
    }

    /// Writes `by` in place of `code`, which must not contain relocations.
    pub(super) fn replace(&mut self, code: Range<usize>, by: &[u8]) {
        self.moves(code.start);
        self.insert(by);
    }

    /// Records that the old code at this offset corresponds to the new code that is written next.
    fn moves(&mut self, from: usize) {
        let by = self.written.len() as i64 - (from - self.range.start) as i64;
        self.moved.push((from, by));
    }

    /// Returns the object with the new function body.
    pub(super) fn finish(self) -> Result<Vec<u8>, String> {
        let Object { bytes, sections, code, number, .. } = &self.object;
        let size = u32::try_from(self.written.len()).map_err(|it| it.to_string())?;
        // The body is preceded by its size, encoded as (possibly padded) LEB128.
        let head = size_before(&bytes[code.content.start..self.range.start], self.range.len())
            .ok_or("cannot determine the function's size")?;
        let begin = self.range.start - head;
        let mut content = bytes[code.content.start..begin].to_vec();
        size.encode(&mut content);
        let first = content.len();
        content.extend_from_slice(&self.written);
        let last = content.len();
        content.extend_from_slice(&bytes[self.range.end..code.content.end]);
        // Maps an offset in the old code section to the offset in the new one.
        let moved = &|at: usize| -> Result<u32, String> {
            let at = at + code.content.start;
            let to = if at < begin {
                at - code.content.start
            } else if at >= self.range.end {
                last + (at - self.range.end)
            } else {
                let known = self.moved.partition_point(|(from, _)| *from <= at);
                let by = known.checked_sub(1).map(|it| self.moved[it].1);
                let by = by.ok_or("a relocation applies to the encoded size of a function")?;
                let within = (at - self.range.start) as i64 + by;
                first + usize::try_from(within).map_err(|it| it.to_string())?
            };
            u32::try_from(to).map_err(|it| it.to_string())
        };
        let mut out = bytes[..HEADER].to_vec();
        for section in sections {
            let old = &bytes[section.content.clone()];
            if section.id == CODE {
                RawSection { id: CODE, data: &content }.append_to(&mut out);
                continue;
            }
            if section.id == CUSTOM {
                let name = BinaryReader::new(old, 0).read_string().map_err(|it| it.to_string())?;
                if name.starts_with("reloc.")
                    && let Some(data) = relocations(old, *number, moved)?
                {
                    CustomSection { name: name.into(), data: data.into() }.append_to(&mut out);
                    continue;
                }
            }
            out.extend_from_slice(&bytes[section.whole.clone()]);
        }
        Ok(out)
    }
}

/// Returns the content of a relocation section with new offsets, or `None` if the relocations apply
/// to a section other than `number`.
fn relocations(
    section: &[u8],
    number: u32,
    moved: impl Fn(usize) -> Result<u32, String>,
) -> Result<Option<Vec<u8>>, String> {
    let broken = |error: wasmparser::Error| format!("the relocations are malformed: {error}");
    let reader =
        RelocSectionReader::new(skip_name(BinaryReader::new(section, 0))?).map_err(broken)?;
    if reader.section_index() != number {
        return Ok(None);
    }
    let entries: Vec<RelocationEntry> =
        reader.entries().into_iter().collect::<Result<_, _>>().map_err(broken)?;
    let mut data = Vec::new();
    number.encode(&mut data);
    entries.len().encode(&mut data);
    for entry in entries {
        data.push(entry.ty as u8);
        moved(entry.offset as usize)?.encode(&mut data);
        entry.index.encode(&mut data);
        match entry.ty.addend_kind() {
            RelocAddendKind::None => {}
            _ => entry.addend.encode(&mut data),
        }
    }
    Ok(Some(data))
}

/// Returns the length of the LEB128 encoding of `size` at the end of `before`.
fn size_before(before: &[u8], size: usize) -> Option<usize> {
    (1..=5.min(before.len())).find(|length| {
        let mut reader = BinaryReader::new(&before[before.len() - length..], 0);
        let read = reader.read_var_u32().ok();
        reader.eof() && read.is_some_and(|read| read as usize == size)
    })
}
