//! From bytes to a [`Breakdown`]: each section is walked once, and each byte of it is somebody's or said to
//! be nobody's.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::Context;
use wasmparser::{BinaryReader, DataKind, DataSectionReader, Operator};

use super::breakdown::LabelId;
use super::memory::{Image, Owner, Owners};
use super::{Breakdown, Kind, LinkMap, Members, Row, frozen, origin};
use crate::audit::Module;
use crate::rewrite::sections::{HEADER, Section, walk};
use crate::rewrite::{Cost, Unpacked};

/// What is known of a module beside its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// The names of its functions where its own were taken out: those of the same module before.
    pub names: Option<&'a [&'a str]>,
    /// The map of the link that it comes from.
    pub map: Option<&'a LinkMap<'a>>,
    /// Archives that it was linked from.
    pub members: Option<&'a Members>,
}

/// Of functions without a name so many are rows of their own: the largest.
const MOST_NAMELESS: usize = 1000;

/// Measures a module.
///
/// # Errors
/// When it is broken, or not a module.
pub fn measure(bytes: &[u8], evidence: Evidence<'_>) -> anyhow::Result<Breakdown> {
    let module = Module::read(bytes)?;
    let mut own = if evidence.names.is_some() { Vec::new() } else { module.names()? };
    if let Some(map) = evidence.map
        && evidence.names.is_none()
        && own.is_empty()
        && is_as_linked(bytes, map)?
    {
        // The linker was told to strip; the map has what it took out.
        own = vec![""; module.imported_functions as usize];
        own.extend(map.functions.iter().map(|it| it.name));
    }
    let names = evidence.names.unwrap_or(&own);
    of_module(&module, names, evidence)
}

/// Whether a module is just what the linker wrote with this map.
///
/// # Errors
/// When it is no module.
pub(crate) fn is_as_linked(bytes: &[u8], map: &LinkMap<'_>) -> anyhow::Result<bool> {
    let (mut code, mut data) = (None, None);
    for section in walk(bytes)? {
        let Section { id, whole, .. } = section?;
        let place = Some((whole.start as u64, (whole.end - whole.start) as u64));
        match id {
            CODE => code = place,
            DATA => data = place,
            _ => {}
        }
    }
    Ok(map.fits(code, data))
}

/// The same of one that was read.
pub(crate) fn of_module(
    module: &Module<'_>,
    names: &[&str],
    evidence: Evidence<'_>,
) -> anyhow::Result<Breakdown> {
    let bytes = module.bytes;
    let mut run = Run { bytes, module, names, evidence, out: Breakdown::default() };
    let head = run.out.labels.id("head of the file");
    run.format(head, "head of the file", HEADER as u64);
    for section in walk(bytes)? {
        let section = &section?;
        let label = section_label(section, bytes);
        let label = run.out.labels.id(&label);
        let content = (section.content.end - section.content.start) as u64;
        run.format(
            label,
            "heads of sections",
            (section.whole.end - section.whole.start) as u64 - content,
        );
        match section.id {
            0 => run.custom(label, section),
            CODE => run.code(label, section),
            DATA => run.data(label, section)?,
            _ => {
                let origin = run.out.labels.text(label).to_owned();
                run.format(label, &origin, content);
            }
        }
    }
    let mut out = run.out;
    out.close();
    debug_assert_eq!(out.total, bytes.len() as u64);
    Ok(out)
}

/// Numbers of sections in the core specification.
const CODE: u8 = 10;
const DATA: u8 = 11;

/// Their names there, by number.
const SECTIONS: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

fn section_label(section: &Section, bytes: &[u8]) -> String {
    if section.id == 0 {
        let content = &bytes[section.content.clone()];
        let name = BinaryReader::new(content, 0).read_string().unwrap_or_default();
        return format!("custom section `{name}`");
    }
    let known = SECTIONS.get(usize::from(section.id));
    known.map_or_else(|| format!("section {}", section.id), |name| (*name).to_owned())
}

/// Whether only debuggers and people read it.
fn is_for_debuggers(label: &str) -> bool {
    let name = label.trim_start_matches("custom section `").trim_end_matches('`');
    crate::rewrite::custom::debugger(name)
}

struct Run<'r> {
    bytes: &'r [u8],
    module: &'r Module<'r>,
    names: &'r [&'r str],
    evidence: Evidence<'r>,
    out: Breakdown,
}

impl<'r> Run<'r> {
    fn format(&mut self, section: LabelId, origin: &str, bytes: u64) {
        let origin = self.out.labels.id(origin);
        let (object, name, count) = (0, 0, 0);
        self.out.push(Row { kind: Kind::Format, section, origin, object, name, count, bytes });
    }

    /// Its name counts, as hosts count it.
    fn custom(&mut self, section: LabelId, place: &Section) {
        let content = &self.bytes[place.content.clone()];
        let mut reader = BinaryReader::new(content, 0);
        let _length = reader.read_var_u32();
        let bytes = reader.bytes_remaining() as u64;
        self.format(section, "heads of sections", content.len() as u64 - bytes);
        let is_debug = is_for_debuggers(self.out.labels.text(section));
        let kind = if is_debug { Kind::Debug } else { Kind::Format };
        let (origin, object, name, count) = (section, 0, 0, 0);
        self.out.push(Row { kind, section, origin, object, name, count, bytes });
    }

    /// A function's bytes are those of its size and of its body.
    fn code(&mut self, section: LabelId, place: &Section) {
        let evidence = self.evidence;
        let whose = Whose::new(self.names, self.module.imported_functions, &evidence);
        let nameless = self.nameless();
        let content = &self.bytes[place.content.clone()];
        let mut reader = BinaryReader::new(content, 0);
        let _count = reader.read_var_u32();
        let mut at = (place.content.end - reader.bytes_remaining()) as u64;
        self.format(section, "heads of sections", at - place.content.start as u64);
        for (number, body) in (0_u32..).zip(&self.module.bodies) {
            let index = (self.module.imported_functions + number) as usize;
            let bytes = u64::from(body.end).saturating_sub(at);
            at = u64::from(body.end);
            let name = self.names.get(index).copied().unwrap_or_default();
            let (kind, origin, object) = whose.function(number, name, bytes);
            let labels = &mut self.out.labels;
            let (origin, object) = (labels.id(&origin), labels.id(object));
            let name = match name {
                "" if nameless.binary_search(&number).is_ok() => {
                    labels.id(&format!("function {index}"))
                }
                "" => labels.id("other functions without a name"),
                name => labels.id(&origin::told(name)),
            };
            self.out.push(Row { kind, section, origin, object, name, count: 1, bytes });
        }
    }

    /// The largest functions without a name, by their number.
    fn nameless(&self) -> Vec<u32> {
        let first = self.module.imported_functions as usize;
        let size = |number: u32| self.module.bodies[number as usize].len();
        let has_none = |number: &u32| {
            let name = self.names.get(first + *number as usize);
            name.is_none_or(|it| it.is_empty())
        };
        let all = (0..).zip(&self.module.bodies).map(|(number, _)| number);
        let mut all: Vec<u32> = all.filter(has_none).collect();
        all.sort_unstable_by_key(|number| (std::cmp::Reverse(size(*number)), *number));
        all.truncate(MOST_NAMELESS);
        all.sort_unstable();
        all
    }

    fn data(&mut self, section: LabelId, place: &Section) -> anyhow::Result<()> {
        let segments = segments(self.bytes, place)?;
        let passive: Vec<Option<&[u8]>> =
            segments.iter().map(|it| it.address.is_none().then_some(it.data)).collect();
        let start = self.module.start.and_then(|start| self.module.body(start));
        let unpacked = start.and_then(|start| Unpacked::read(&start, &passive));
        let image = match &unpacked {
            Some(unpacked) => Image::unpacked(unpacked),
            None => {
                let at = |it: &Segment<'r>| Some((it.address?, it.data));
                Image::of(&segments.iter().filter_map(at).collect::<Vec<_>>())
            }
        };
        let modules = image.as_ref().map(frozen::modules).unwrap_or_default();
        drop(image);
        let ranges: Vec<Range<u64>> = modules
            .iter()
            .map(|it| u64::from(it.address)..u64::from(it.address) + u64::from(it.size))
            .collect();
        let chunks = self.evidence.map.map_or(&[][..], |map| &map.data);
        let owners = Owners::new(chunks, &ranges);
        let heads: u64 = segments.iter().map(|it| it.data.len() as u64).sum();
        let content = (place.content.end - place.content.start) as u64;
        self.format(section, "heads of data segments", content - heads);
        let mut spent = Spent { run: self, modules: &modules, section, of: HashMap::new() };
        for (number, segment) in segments.iter().enumerate() {
            let length = segment.data.len() as u64;
            // Segments are told one by one where they are few.
            let number = if segments.len() > FEW_SEGMENTS { ALL } else { u32::try_from(number)? };
            match (segment.address, &unpacked) {
                (Some(address), _) => {
                    let begin = u64::from(address);
                    owners
                        .cut(begin..begin + length, |owner, bytes| spent.add(owner, bytes, number));
                }
                (None, Some(unpacked)) => {
                    let whole = unpacked.costs(|range, cost| match cost {
                        Cost::Each => {
                            owners.cut(range, |owner, bytes| spent.add(owner, bytes, number));
                        }
                        Cost::All(bytes) => {
                            // What a copy costs is its first byte's: there is nothing to divide.
                            let end = range.end.min(range.start + 1);
                            let mut whose = Owner::Nobody;
                            owners.cut(range.start..end, |owner, _| whose = owner);
                            spent.add(whose, bytes, number);
                        }
                    });
                    whole.context("its packed data is broken")?;
                }
                (None, None) => spent.add(Owner::Nobody, length, number),
            }
        }
        spent.tell();
        if unpacked.is_some() {
            let note = "its data is packed: what is told of it are bytes of the packed form";
            self.out.notes.push(note.to_owned());
        }
        Ok(())
    }
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
                let (kind, origin) = origin::of_object(path);
                (kind, labels.id(&origin), labels.id(origin::object(path)))
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

/// Whose each function is, by the link map, by its name, or by archives.
struct Whose<'w> {
    evidence: &'w Evidence<'w>,
    /// The object of each function, where the module is as the linker wrote it.
    in_order: bool,
    /// The functions of the map by name: several objects may have one each.
    by_name: HashMap<&'w str, Vec<u32>>,
}

impl<'w> Whose<'w> {
    fn new(names: &[&str], imported: u32, evidence: &'w Evidence<'w>) -> Self {
        let functions = evidence.map.map_or(&[][..], |map| &map.functions);
        let defined = names.get(imported as usize..).unwrap_or_default();
        // Exported constructors have a suffix in the one and none in the other.
        let same = |(name, function): (&&str, &super::map::Function<'_>)| *name == function.name;
        let in_order = !functions.is_empty()
            && defined.len() == functions.len()
            && defined.iter().zip(functions).filter(|it| same((it.0, it.1))).count() * 10
                >= functions.len() * 9;
        let mut by_name: HashMap<&str, Vec<u32>> = HashMap::new();
        if !in_order {
            for (number, function) in (0..).zip(functions) {
                by_name.entry(function.name).or_default().push(number);
            }
        }
        Self { evidence, in_order, by_name }
    }

    /// What it is, whose, and its object where that is known. `number` is its place in the code section.
    fn function(&self, number: u32, name: &str, bytes: u64) -> (Kind, String, &str) {
        let path = self.path(number, name, bytes);
        let object = path.map(origin::object);
        if let Some(krate) = origin::of_rust(name) {
            return (Kind::Rust, krate, object.unwrap_or_default());
        }
        if let Some(path) = path {
            let (kind, origin) = origin::of_object(path);
            return (kind, origin, object.unwrap_or_default());
        }
        let member = || self.evidence.members.and_then(|it| it.of(plain(name)));
        if let Some(member) = (!name.is_empty()).then(member).flatten() {
            return (Kind::C, member.to_owned(), member);
        }
        let (kind, origin) = origin::of_name(name);
        (kind, origin, "")
    }

    fn path(&self, number: u32, name: &str, bytes: u64) -> Option<&'w str> {
        let map = self.evidence.map?;
        let object = |of: &super::map::Function<'_>| map.objects.get(of.object as usize).copied();
        if self.in_order {
            return map.functions.get(number as usize).and_then(object);
        }
        let known = self.by_name.get(name).or_else(|| self.by_name.get(plain(name)))?;
        let found = |number: &u32| map.functions.get(*number as usize);
        let mut all = known.iter().filter_map(found);
        let first = all.next()?;
        if all.all(|it| it.object == first.object) {
            return object(first);
        }
        // Several objects have one of this name: it is that of the same size, if one is.
        let mut same = known.iter().filter_map(found).filter(|it| u64::from(it.size) == bytes);
        let one = same.next()?;
        same.next().is_none().then(|| object(one)).flatten()
    }
}

/// What optimizers put behind a name that is there twice: `null_error.1`.
fn plain(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((plain, number)) if number.bytes().all(|it| it.is_ascii_digit()) => plain,
        _ => name,
    }
}

#[cfg(test)]
mod tests;
