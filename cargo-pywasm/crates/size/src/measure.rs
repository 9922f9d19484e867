//! From bytes to a [`Breakdown`]: each section is walked once, and each byte of it is somebody's or said to
//! be nobody's.

use pywasm_wasm::Module;
use pywasm_wasm::sections::{HEADER, Section, walk};
use wasmparser::BinaryReader;

use super::breakdown::LabelId;
use super::whose::Whose;
use super::{Breakdown, Kind, LinkMap, Members, Row, data, origin};

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
pub fn is_as_linked(bytes: &[u8], map: &LinkMap<'_>) -> anyhow::Result<bool> {
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
pub fn of_module(
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
            DATA => data::measure(&mut run, label, section)?,
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
    pywasm_wasm::custom::is_for_debuggers(name)
}

/// A module that is being measured.
pub(super) struct Run<'r> {
    pub(super) bytes: &'r [u8],
    pub(super) module: &'r Module<'r>,
    names: &'r [&'r str],
    pub(super) evidence: Evidence<'r>,
    pub(super) out: Breakdown,
}

impl<'r> Run<'r> {
    pub(super) fn format(&mut self, section: LabelId, origin: &str, bytes: u64) {
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
            let (origin, object) = (labels.id(&origin), labels.id(&object));
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
}

#[cfg(test)]
mod tests;
