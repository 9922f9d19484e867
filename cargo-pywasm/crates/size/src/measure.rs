//! Measures a module: attributes each byte to a row of a [`Breakdown`] in one pass over the
//! sections.

use pywasm_wasm::Module;
use pywasm_wasm::sections::{self, HEADER, walk};
use wasmparser::BinaryReader;

use crate::functions::Functions;
use crate::table::Id;
use crate::{Breakdown, Kind, LinkMap, Members, Origin, Row, Section, data, symbol};

/// Facts about a module that its bytes do not contain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// The names of all functions by index, if the module itself was stripped.
    pub names: Option<&'a [&'a str]>,
    /// The map from the link that produced the module.
    pub map: Option<&'a LinkMap<'a>>,
    /// The functions in the archives that the module was linked from.
    pub members: Option<&'a Members>,
}

/// The maximum number of unnamed functions that get a row each. If there are more, the largest get
/// a row each, and all others share one row.
const MAX_UNNAMED: usize = 1000;

/// Measures a module.
///
/// # Errors
/// When the bytes are not a module, or the module is malformed.
pub fn measure(bytes: &[u8], evidence: Evidence<'_>) -> anyhow::Result<Breakdown> {
    let module = Module::read(bytes)?;
    let mut own = if evidence.names.is_some() { Vec::new() } else { module.names()? };
    if let Some(map) = evidence.map
        && evidence.names.is_none()
        && own.is_empty()
        && is_as_linked(bytes, map)?
    {
        // The linker stripped the names, but its map still contains them.
        own = vec![""; module.imported_functions as usize];
        own.extend(map.functions.iter().map(|it| it.name));
    }
    let names = evidence.names.unwrap_or(&own);
    of_module(&module, names, evidence)
}

/// Returns true if a module has not changed since the link that wrote the map.
///
/// # Errors
/// When the bytes are not a module.
pub fn is_as_linked(bytes: &[u8], map: &LinkMap<'_>) -> anyhow::Result<bool> {
    let (mut code, mut data) = (None, None);
    for section in walk(bytes)? {
        let sections::Section { id, whole, .. } = section?;
        let place = Some((whole.start as u64, (whole.end - whole.start) as u64));
        match Section::Core(id) {
            Section::CODE => code = place,
            Section::DATA => data = place,
            _ => {}
        }
    }
    Ok(map.fits(code, data))
}

/// Measures a module that has already been read. `names` contains the names of its functions by
/// index.
///
/// # Errors
/// When the module is malformed.
pub fn of_module(
    module: &Module<'_>,
    names: &[&str],
    evidence: Evidence<'_>,
) -> anyhow::Result<Breakdown> {
    let bytes = module.bytes;
    let mut measuring = Measuring { bytes, module, names, evidence, out: Breakdown::default() };
    let header = measuring.out.sections.id(Section::FileHeader);
    measuring.structure(header, Origin::Section(Section::FileHeader), HEADER as u64);
    for found in walk(bytes)? {
        let found = &found?;
        let section = section(found, bytes);
        let id = measuring.out.sections.id(section.clone());
        let content = found.content.len() as u64;
        let header = found.whole.len() as u64 - content;
        measuring.structure(id, Origin::SectionHeaders, header);
        match section {
            Section::Custom(_) => measuring.custom(id, section, found),
            Section::CODE => measuring.code(id, found),
            Section::DATA => data::measure(&mut measuring, id, found)?,
            section => measuring.structure(id, Origin::Section(section), content),
        }
    }
    let mut out = measuring.out;
    out.close();
    debug_assert_eq!(out.total, bytes.len() as u64);
    Ok(out)
}

fn section(found: &sections::Section, bytes: &[u8]) -> Section {
    if found.id != 0 {
        return Section::Core(found.id);
    }
    let content = &bytes[found.content.clone()];
    let name = BinaryReader::new(content, 0).read_string().unwrap_or_default();
    Section::Custom(name.to_owned())
}

/// The state of a measurement.
pub(crate) struct Measuring<'m> {
    pub(crate) bytes: &'m [u8],
    pub(crate) module: &'m Module<'m>,
    names: &'m [&'m str],
    pub(crate) evidence: Evidence<'m>,
    pub(crate) out: Breakdown,
}

impl Measuring<'_> {
    /// Adds bytes that belong to the module's structure.
    pub(crate) fn structure(&mut self, section: Id, origin: Origin, bytes: u64) {
        let (kind, origin) = (Kind::Format, self.out.origins.id(origin));
        let (object, name, count) = (None, None, 0);
        self.out.push(Row { kind, section, origin, object, name, count, bytes });
    }

    /// Attributes a custom section. Its name counts as content, because hosts include the name
    /// when they measure the section. The field with the length of the name counts as a header.
    fn custom(&mut self, id: Id, section: Section, found: &sections::Section) {
        let content = &self.bytes[found.content.clone()];
        let mut reader = BinaryReader::new(content, 0);
        let _length = reader.read_var_u32();
        let bytes = reader.bytes_remaining() as u64;
        self.structure(id, Origin::SectionHeaders, content.len() as u64 - bytes);
        let kind = if section.is_for_debuggers() { Kind::Debug } else { Kind::Format };
        let origin = self.out.origins.id(Origin::Section(section));
        let (object, name, count) = (None, None, 0);
        self.out.push(Row { kind, section: id, origin, object, name, count, bytes });
    }

    /// Attributes the code section, function by function. The size field before a body is
    /// attributed to its function.
    fn code(&mut self, section: Id, found: &sections::Section) {
        let evidence = self.evidence;
        let functions = Functions::new(self.names, self.module.imported_functions, &evidence);
        let largest_unnamed = self.largest_unnamed();
        let content = &self.bytes[found.content.clone()];
        let mut reader = BinaryReader::new(content, 0);
        let _count = reader.read_var_u32();
        let mut at = (found.content.end - reader.bytes_remaining()) as u64;
        self.structure(section, Origin::SectionHeaders, at - found.content.start as u64);
        for (number, body) in (0_u32..).zip(&self.module.bodies) {
            let index = (self.module.imported_functions + number) as usize;
            let bytes = u64::from(body.end).saturating_sub(at);
            at = u64::from(body.end);
            let name = self.names.get(index).copied().unwrap_or_default();
            let (kind, origin, object) = functions.origin(number, name, bytes);
            let origin = self.out.origins.id(origin);
            let object = object.map(|it| self.out.objects.id(it));
            let names = &mut self.out.names;
            let name = Some(match name {
                "" if largest_unnamed.binary_search(&number).is_ok() => {
                    names.id(format!("function {index}"))
                }
                "" => names.id("other functions without a name"),
                name => names.id(symbol::display_name(name)),
            });
            self.out.push(Row { kind, section, origin, object, name, count: 1, bytes });
        }
    }

    /// Returns the positions of the largest unnamed functions in the code section, sorted.
    fn largest_unnamed(&self) -> Vec<u32> {
        let first = self.module.imported_functions as usize;
        let size = |number: u32| self.module.bodies[number as usize].len();
        let is_unnamed = |number: &u32| {
            let name = self.names.get(first + *number as usize);
            name.is_none_or(|it| it.is_empty())
        };
        let all = (0..).zip(&self.module.bodies).map(|(number, _)| number);
        let mut all: Vec<u32> = all.filter(is_unnamed).collect();
        all.sort_unstable_by_key(|number| (std::cmp::Reverse(size(*number)), *number));
        all.truncate(MAX_UNNAMED);
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests;
