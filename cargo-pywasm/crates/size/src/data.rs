//! Attributes the bytes of the data section by their addresses in memory. This also works for
//! segments that an optimizer has split.

use std::collections::HashMap;
use std::ops::Range;

use pywasm_wasm::{custom, sections};
use wasmparser::{BinaryReader, DataKind, DataSectionReader, Operator};

use crate::measure::Measuring;
use crate::memory::{Image, Owner, Owners};
use crate::python::{self, Piece};
use crate::table::Id;
use crate::{Kind, Origin, Row, symbol};

/// Attributes the data section.
///
/// # Errors
/// When the section is malformed.
pub(crate) fn measure(
    measuring: &mut Measuring<'_>,
    section: Id,
    found: &sections::Section,
) -> anyhow::Result<()> {
    let segments = segments(measuring.bytes, found)?;
    let placed = segments.iter().filter_map(|it| Some((it.address?, it.data)));
    let image = Image::of(&placed.collect::<Vec<_>>());
    let pieces = image.as_ref().map(python::pieces).unwrap_or_default();
    drop(image);
    let ranges: Vec<Range<u64>> = pieces.iter().map(|it| it.address..it.end()).collect();
    let chunks = measuring.evidence.map.map_or(&[][..], |map| &map.data);
    let owners = Owners::new(chunks, &ranges);
    let data: u64 = segments.iter().map(|it| it.data.len() as u64).sum();
    measuring.structure(section, Origin::SegmentHeaders, found.content.len() as u64 - data);
    let mut sums = Sums { measuring, pieces: &pieces, section, bytes: HashMap::new() };
    for (number, segment) in segments.iter().enumerate() {
        let length = segment.data.len() as u64;
        let number =
            if segments.len() > MAX_SEGMENTS { None } else { Some(u32::try_from(number)?) };
        match segment.address {
            Some(address) => {
                let start = u64::from(address);
                owners.split(start..start + length, |owner, bytes| sums.add(owner, bytes, number));
            }
            None => sums.add(Owner::Unknown, length, number),
        }
    }
    sums.push();
    if custom::read(measuring.bytes, custom::SNAPSHOT)?.is_some() {
        let note = "this module is a snapshot: its data is Python's memory, in which objects \
            cannot be distinguished";
        measuring.out.notes.push(note.to_owned());
    }
    Ok(())
}

/// The maximum number of segments whose unattributed data gets a row each. If there are more, all
/// unattributed data shares one row, because an optimizer can create thousands of segments.
const MAX_SEGMENTS: usize = 10;

/// Sums of bytes by owner and segment. The data section has many pieces with the same owner and
/// segment, so their sizes are added up first, and each sum becomes one row.
struct Sums<'s, 'm> {
    measuring: &'s mut Measuring<'m>,
    pieces: &'s [Piece],
    section: Id,
    bytes: HashMap<(Owner, Option<u32>), u64>,
}

impl Sums<'_, '_> {
    /// Adds bytes to the sum for their owner or, if the owner is unknown, to the sum for their
    /// segment.
    fn add(&mut self, owner: Owner, bytes: u64, segment: Option<u32>) {
        let segment = segment.filter(|_| owner == Owner::Unknown);
        *self.bytes.entry((owner, segment)).or_default() += bytes;
    }

    /// Turns the sums into rows.
    fn push(self) {
        let Self { measuring, pieces, section, bytes } = self;
        let out = &mut measuring.out;
        let paths = measuring.evidence.map.map_or(&[][..], |map| &map.objects);
        let objects: Vec<(Kind, Id, Option<Id>)> = paths
            .iter()
            .map(|path| {
                let (kind, origin, object) = symbol::object_of(path);
                (kind, out.origins.id(origin), object.map(|it| out.objects.id(it)))
            })
            .collect();
        for ((owner, segment), bytes) in bytes {
            let (kind, origin, object, name) = match owner {
                Owner::Python(number) => {
                    let Some(piece) = pieces.get(number as usize) else { continue };
                    let origin = out.origins.id(piece.origin.clone());
                    (Kind::Python, origin, None, out.names.id(piece.origin.to_string()))
                }
                Owner::Chunk(number) => {
                    let chunk = measuring.evidence.map.and_then(|it| it.data.get(number as usize));
                    let Some(chunk) = chunk else { continue };
                    let Some(known) = objects.get(chunk.object as usize) else { continue };
                    let (kind, origin, object) = *known;
                    let name = variable(chunk.name);
                    // An object file from rustc may contain data from several crates, so a crate
                    // name in the symbol takes precedence.
                    let origin = match symbol::rust_origin(name) {
                        Some(found) => out.origins.id(found),
                        None => origin,
                    };
                    (kind, origin, object, out.names.id(variable_name(name)))
                }
                Owner::Unknown => {
                    let origin = out.origins.id(Origin::NoSymbol);
                    let name = match segment {
                        None => "data segments".to_owned(),
                        Some(number) => format!("data segment {number}"),
                    };
                    (Kind::Unknown, origin, None, out.names.id(name))
                }
            };
            let name = Some(name);
            out.push(Row { kind, section, origin, object, name, count: 1, bytes });
        }
    }
}

/// Extracts the variable name from the name of an object's data section: `bool_doc` for
/// `.rodata.bool_doc`.
fn variable(section: &str) -> &str {
    let name = section.strip_prefix('.').unwrap_or(section);
    name.split_once('.').map_or(section, |(_, name)| name)
}

/// Returns the name under which a row lists a variable. Anonymous constants share one name, because
/// compilers give them names with numbers and hashes that change between builds.
fn variable_name(name: &str) -> String {
    let anonymous = [".L", "Lanon", ".Lanon", "str"];
    if anonymous.iter().any(|it| name.starts_with(it)) || name.starts_with('.') {
        return "constants".to_owned();
    }
    symbol::display_name(name)
}

struct Segment<'a> {
    /// The address in memory; `None` for a passive segment or a computed address.
    address: Option<u32>,
    data: &'a [u8],
}

fn segments<'a>(bytes: &'a [u8], found: &sections::Section) -> anyhow::Result<Vec<Segment<'a>>> {
    let content = &bytes[found.content.clone()];
    let reader = DataSectionReader::new(BinaryReader::new(content, found.content.start))?;
    let mut all = Vec::new();
    for segment in reader {
        let segment = segment?;
        let address = match segment.kind {
            DataKind::Active { memory_index: 0, offset_expr } => {
                let mut code = offset_expr.get_operators_reader();
                match (code.read()?, code.read()?) {
                    (Operator::I32Const { value }, Operator::End) => Some(value.cast_unsigned()),
                    _ => None,
                }
            }
            _ => None,
        };
        all.push(Segment { address, data: segment.data });
    }
    Ok(all)
}
