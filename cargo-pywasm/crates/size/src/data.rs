//! Attributes the bytes of the data section to their owners, by address. Segments may be as the linker
//! wrote them or as an optimizer split them.

use std::collections::HashMap;
use std::ops::Range;

use pywasm_wasm::custom;
use pywasm_wasm::sections::Section;
use wasmparser::{BinaryReader, DataKind, DataSectionReader, Operator};

use super::breakdown::LabelId;
use super::measure::Run;
use super::memory::{Image, Owner, Owners};
use super::{Kind, Row, frozen, origin};

/// Measures the data section.
///
/// # Errors
/// When it is broken.
pub(super) fn measure(run: &mut Run<'_>, section: LabelId, place: &Section) -> anyhow::Result<()> {
    let segments = segments(run.bytes, place)?;
    let placed = segments.iter().filter_map(|it| Some((it.address?, it.data)));
    let image = Image::of(&placed.collect::<Vec<_>>());
    let modules = image.as_ref().map(frozen::modules).unwrap_or_default();
    drop(image);
    let ranges: Vec<Range<u64>> = modules
        .iter()
        .map(|it| u64::from(it.address)..u64::from(it.address) + u64::from(it.size))
        .collect();
    let chunks = run.evidence.map.map_or(&[][..], |map| &map.data);
    let owners = Owners::new(chunks, &ranges);
    let heads: u64 = segments.iter().map(|it| it.data.len() as u64).sum();
    let content = (place.content.end - place.content.start) as u64;
    run.format(section, "heads of data segments", content - heads);
    let mut spent = Spent { run, modules: &modules, section, of: HashMap::new() };
    for (number, segment) in segments.iter().enumerate() {
        let length = segment.data.len() as u64;
        // Segments are told one by one where they are few.
        let number = if segments.len() > FEW_SEGMENTS { ALL } else { u32::try_from(number)? };
        match segment.address {
            Some(address) => {
                let begin = u64::from(address);
                owners.cut(begin..begin + length, |owner, bytes| spent.add(owner, bytes, number));
            }
            None => spent.add(Owner::Nobody, length, number),
        }
    }
    spent.tell();
    if custom::read(run.bytes, custom::SNAPSHOT)?.is_some() {
        let note = "it is a snapshot: its data is the memory that Python had, whose objects nothing tells apart";
        run.out.notes.push(note.to_owned());
    }
    Ok(())
}

/// An optimizer leaves thousands of segments, which say nothing.
const FEW_SEGMENTS: usize = 10;
/// In place of a segment's number: that of all of them.
const ALL: u32 = u32::MAX;

/// Bytes of data by owner and segment, added up before they become rows: pieces are many.
struct Spent<'s, 'r> {
    run: &'s mut Run<'r>,
    modules: &'s [frozen::Module],
    section: LabelId,
    of: HashMap<(Owner, u32), u64>,
}

impl Spent<'_, '_> {
    fn add(&mut self, owner: Owner, bytes: u64, segment: u32) {
        let segment = if owner == Owner::Nobody { segment } else { ALL };
        *self.of.entry((owner, segment)).or_default() += bytes;
    }

    fn tell(self) {
        let Self { run, modules, section, of } = self;
        let objects = run.evidence.map.map_or(&[][..], |map| &map.objects);
        let labels = &mut run.out.labels;
        let known: Vec<(Kind, LabelId, LabelId)> = objects
            .iter()
            .map(|path| {
                let (kind, origin, object) = origin::of_object(path);
                (kind, labels.id(&origin), labels.id(&object))
            })
            .collect();
        for ((owner, segment), bytes) in of {
            let labels = &mut run.out.labels;
            let (kind, origin, object, name) = match owner {
                Owner::Frozen(which) => {
                    let name = modules.get(which as usize).map_or("", |it| it.name.as_str());
                    let id = labels.id(name);
                    (Kind::Python, id, 0, id)
                }
                Owner::Chunk(which) => {
                    let chunk = run.evidence.map.and_then(|map| map.data.get(which as usize));
                    let Some(chunk) = chunk else { continue };
                    let (kind, origin, object) =
                        known.get(chunk.object as usize).copied().unwrap_or_default();
                    let name = variable(chunk.name);
                    // Of Rust's data the name tells more than the object, which may have many crates.
                    let origin = match origin::of_rust(name) {
                        Some(krate) => labels.id(&krate),
                        None => origin,
                    };
                    (kind, origin, object, labels.id(&told_variable(name)))
                }
                Owner::Nobody => {
                    let origin = labels.id("data without a symbol");
                    let name = match segment {
                        ALL => "data segments".to_owned(),
                        number => format!("data segment {number}"),
                    };
                    (Kind::Unknown, origin, 0, labels.id(&name))
                }
            };
            run.out.push(Row { kind, section, origin, object, name, count: 1, bytes });
        }
    }
}

/// `.rodata.bool_doc` is `bool_doc`.
fn variable(section: &str) -> &str {
    let name = section.strip_prefix('.').unwrap_or(section);
    name.split_once('.').map_or(section, |(_, name)| name)
}

/// Constants have numbers and hashes for names, which are others in the next build.
fn told_variable(name: &str) -> String {
    let anonymous = [".L", "Lanon", ".Lanon", "str"];
    if anonymous.iter().any(|it| name.starts_with(it)) || name.starts_with('.') {
        return "constants".to_owned();
    }
    origin::told(name)
}

struct Segment<'a> {
    /// Where it goes; of one that is passive, or has no constant place, none.
    address: Option<u32>,
    data: &'a [u8],
}

fn segments<'a>(bytes: &'a [u8], place: &Section) -> anyhow::Result<Vec<Segment<'a>>> {
    let content = &bytes[place.content.clone()];
    let reader = DataSectionReader::new(BinaryReader::new(content, place.content.start as u64))?;
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
