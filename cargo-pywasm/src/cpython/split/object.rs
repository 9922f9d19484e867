//! One function of a relocatable object, written anew.
//!
//! Source: "WebAssembly Object File Linking" of the tool conventions: places of relocations are counted
//! from the first byte of what their section holds.

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

/// An object, and a function of it.
pub(super) struct Object<'a> {
    bytes: &'a [u8],
    sections: Vec<Section>,
    /// The section of code.
    code: Section,
    /// Which section it is.
    number: u32,
    pub(super) ty: FuncType,
    /// Its places are those in the file.
    pub(super) body: FunctionBody<'a>,
}

impl<'a> Object<'a> {
    /// Finds the function of this name; the reason where it is none that can be written anew.
    pub(super) fn read(bytes: &'a [u8], function: &str) -> Result<Self, String> {
        // Ways to go on that nothing here knows (exceptions, tail calls) are not WebAssembly 2.0.
        Validator::new_with_features(WasmFeatures::WASM2 | WasmFeatures::EXTENDED_CONST)
            .validate_all(bytes)
            .map_err(|it| format!("it is not an object of WebAssembly 2.0: {it}"))?;
        let broken = |why: wasmparser::Error| format!("it is broken: {why}");
        let sections = sections(bytes).map_err(|it| format!("{it:#}"))?;
        let reader = |section: &Section| {
            BinaryReader::new(&bytes[section.content.clone()], section.content.start as u64)
        };
        let (mut types, mut of, mut imported, mut index) = (Vec::new(), Vec::new(), 0, None);
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
                        of.push(ty.map_err(broken)?);
                    }
                }
                CUSTOM => {
                    let name = reader(section).read_string().map_err(broken)?;
                    if name.starts_with(".debug_") {
                        return Err("it has debugging information, whose places would move".into());
                    }
                    if name == "linking" {
                        index = index.or(symbol(named(reader(section))?, function)?);
                    }
                }
                _ => {}
            }
        }
        let at = index.and_then(|index| index.checked_sub(imported)).map(|at| at as usize);
        let at = at.ok_or_else(|| format!("it has no function `{function}`"))?;
        let ty = of.get(at).and_then(|ty| types.get(*ty as usize)).map(|ty| &ty.composite_type);
        let Some(CompositeInnerType::Func(ty)) = ty.map(|it| &it.inner) else {
            return Err(format!("`{function}` has no type"));
        };
        let number = sections.iter().position(|section| section.id == CODE);
        let number = number.ok_or("it has no code")?;
        let code = sections[number].clone();
        let bodies = CodeSectionReader::new(reader(&code)).map_err(broken)?;
        let body = bodies.into_iter().nth(at).ok_or("it has too little code")?.map_err(broken)?;
        let number = u32::try_from(number).map_err(|it| it.to_string())?;
        Ok(Self { bytes, sections, code, number, ty: ty.clone(), body })
    }

    /// The function, to be written: its variables stay as they are.
    pub(super) fn rewritten(self) -> Rewritten<'a> {
        let range = self.body.range();
        let range = to_usize(&range);
        let first = self.body.get_operators_reader().map(|it| it.original_position());
        let first = first.map_or(range.end, |at| at as usize);
        let written = self.bytes[range.start..first].to_vec();
        Rewritten { moved: vec![(range.start, 0)], range, object: self, written }
    }
}

/// What is behind the name of a custom section.
fn named(mut reader: BinaryReader<'_>) -> Result<BinaryReader<'_>, String> {
    reader.read_string().map_err(|it| it.to_string())?;
    Ok(reader)
}

/// The index of the function that a symbol is of.
fn symbol(linking: BinaryReader<'_>, function: &str) -> Result<Option<u32>, String> {
    let broken = |why: wasmparser::Error| format!("its symbols are broken: {why}");
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

/// The function as it is written.
pub(super) struct Rewritten<'a> {
    object: Object<'a>,
    /// Where it was.
    range: Range<usize>,
    written: Vec<u8>,
    /// From which place on what was there lies how many bytes further behind its function's first.
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

    /// No relocation may be in what is replaced.
    pub(super) fn replace(&mut self, code: Range<usize>, by: &[u8]) {
        self.moves(code.start);
        self.insert(by);
    }

    /// What was here goes where the next byte is written.
    fn moves(&mut self, from: usize) {
        let by = self.written.len() as i64 - (from - self.range.start) as i64;
        self.moved.push((from, by));
    }

    /// The object with it.
    pub(super) fn finish(self) -> Result<Vec<u8>, String> {
        let Object { bytes, sections, code, number, .. } = &self.object;
        let size = u32::try_from(self.written.len()).map_err(|it| it.to_string())?;
        // The size stands right before the function, and may be padded.
        let head = size_before(&bytes[code.content.start..self.range.start], self.range.len())
            .ok_or("the size of its function can't be found")?;
        let begin = self.range.start - head;
        let mut content = bytes[code.content.start..begin].to_vec();
        size.encode(&mut content);
        let first = content.len();
        content.extend_from_slice(&self.written);
        let last = content.len();
        content.extend_from_slice(&bytes[self.range.end..code.content.end]);
        // Where a byte of the section lies afterwards.
        let moved = &|at: usize| -> Result<u32, String> {
            let at = at + code.content.start;
            let to = if at < begin {
                at - code.content.start
            } else if at >= self.range.end {
                last + (at - self.range.end)
            } else {
                let known = self.moved.partition_point(|(from, _)| *from <= at);
                let by = known.checked_sub(1).map(|it| self.moved[it].1);
                let by = by.ok_or("a relocation is in the size of a function")?;
                let within = (at - self.range.start) as i64 + by;
                first + usize::try_from(within).map_err(|it| it.to_string())?
            };
            u32::try_from(to).map_err(|it| it.to_string())
        };
        let mut out = bytes[..HEADER].to_vec();
        for section in sections {
            let given = &bytes[section.content.clone()];
            if section.id == CODE {
                RawSection { id: CODE, data: &content }.append_to(&mut out);
                continue;
            }
            if section.id == CUSTOM {
                let name =
                    BinaryReader::new(given, 0).read_string().map_err(|it| it.to_string())?;
                if name.starts_with("reloc.")
                    && let Some(data) = relocations(given, *number, moved)?
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

/// Relocations of the section of this number, moved; none where they are of another.
fn relocations(
    section: &[u8],
    number: u32,
    moved: impl Fn(usize) -> Result<u32, String>,
) -> Result<Option<Vec<u8>>, String> {
    let broken = |why: wasmparser::Error| format!("its relocations are broken: {why}");
    let reader = RelocSectionReader::new(named(BinaryReader::new(section, 0))?).map_err(broken)?;
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

/// How many bytes at the end of `before` say this size.
fn size_before(before: &[u8], size: usize) -> Option<usize> {
    (1..=5.min(before.len())).find(|length| {
        let mut reader = BinaryReader::new(&before[before.len() - length..], 0);
        let read = reader.read_var_u32().ok();
        reader.eof() && read.is_some_and(|read| read as usize == size)
    })
}

fn to_usize(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}
