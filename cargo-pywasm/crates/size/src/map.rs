//! The linker's map: which object each function and each variable was taken from.
//!
//! Source of the form: `lld/wasm/MapFile.cpp` of LLVM. Columns are address, offset in the file, size, all
//! hexadecimal, then by indentation a section, an input (`FILE:(NAME)`), a symbol.

use std::collections::HashMap;

/// What a link map says.
#[derive(Clone, Debug, Default)]
pub struct LinkMap<'a> {
    /// Objects, by the path that the linker knew.
    pub(super) objects: Vec<&'a str>,
    /// The functions in their order.
    pub(super) functions: Vec<Function<'a>>,
    /// Variables and constants, by address; none overlaps the one before it.
    pub(super) data: Vec<Chunk<'a>>,
    /// The places of the code section and of the data section in the file, and their sizes, as they were
    /// when the linker had written it.
    sections: HashMap<&'a str, (u64, u64)>,
}

/// A function of the code section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    /// An index of [`LinkMap::objects`].
    pub(super) object: u32,
    /// Bytes as it was linked.
    pub(super) size: u32,
}

/// A piece of data of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) address: u32,
    pub(super) size: u32,
    /// An index of [`LinkMap::objects`].
    pub(super) object: u32,
    /// The name of the section of the object: `.rodata.bool_doc`.
    pub(super) name: &'a str,
}

/// Of the first line.
const TITLE: [&str; 6] = ["Addr", "Off", "Size", "Out", "In", "Symbol"];

/// How far an input is indented behind its size.
const INPUT: usize = 9;

impl<'a> LinkMap<'a> {
    /// Reads a map.
    ///
    /// # Errors
    /// When it is none, or two linkers have written to it at once.
    pub fn read(text: &'a str) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let title = lines.next().unwrap_or_default().split_whitespace();
        anyhow::ensure!(title.eq(TITLE), "it is not a link map of wasm-ld");
        let mut map = Self::default();
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut section = "";
        for (number, line) in (2..).zip(lines) {
            let broken = || anyhow::anyhow!("line {number} of it is not one of wasm-ld's");
            let line = Line::read(line).ok_or_else(broken)?;
            if line.indent < INPUT {
                // ` CODE`, and below ` DATA` the segments ` .rodata`.
                if line.address.is_none() || line.text == "DATA" {
                    section = line.text;
                    map.sections.insert(section, (line.offset, line.size));
                }
                continue;
            }
            // A symbol stands below its input, which has the same bytes.
            if line.indent > INPUT {
                continue;
            }
            let Some((path, name)) = line.input() else { continue };
            let next = u32::try_from(map.objects.len())?;
            let object = *known.entry(path).or_insert_with(|| {
                map.objects.push(path);
                next
            });
            let size = u32::try_from(line.size)?;
            match (section, line.address) {
                ("CODE", None) => map.functions.push(Function { name, object, size }),
                (_, Some(address)) => {
                    let address = u32::try_from(address)?;
                    map.data.push(Chunk { address, size, object, name });
                }
                _ => {}
            }
        }
        map.data.retain(|it| it.size > 0);
        map.data.sort_by_key(|it| it.address);
        let mut end = 0;
        for chunk in &map.data {
            anyhow::ensure!(
                u64::from(chunk.address) >= end,
                "two objects have address {:#x} in it",
                chunk.address
            );
            end = u64::from(chunk.address) + u64::from(chunk.size);
        }
        Ok(map)
    }

    /// Whether it is the map of a module that is as the linker wrote it: `code` and `data` are where the
    /// sections begin in the file, with their heads, and their sizes.
    #[must_use]
    pub(super) fn fits(&self, code: Option<(u64, u64)>, data: Option<(u64, u64)>) -> bool {
        self.sections.get("CODE").copied() == code && self.sections.get("DATA").copied() == data
    }
}

/// A line, by its columns.
struct Line<'a> {
    /// Where it is in memory; of what is not, none.
    address: Option<u64>,
    offset: u64,
    size: u64,
    /// Spaces between the size and the text.
    indent: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (address, rest) = word(line)?;
        let (offset, rest) = word(rest)?;
        let (size, rest) = word(rest)?;
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        let address = if address == "-" { None } else { Some(hex(address)?) };
        let text = rest.trim_start_matches(' ');
        let indent = rest.len() - text.len();
        Some(Self { address, offset: hex(offset)?, size: hex(size)?, indent, text })
    }

    /// `FILE:(NAME)`: names of functions have parentheses, too, but paths rarely have `:(`.
    fn input(&self) -> Option<(&'a str, &'a str)> {
        let (path, name) = self.text.split_once(":(")?;
        Some((path, name.strip_suffix(')')?))
    }
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    let end = text.find(' ')?;
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As LLVM 22 writes it.
    pub(crate) const MAP: &str = "    Addr      Off     Size Out     In      Symbol
       -        8       10 TYPE
       -       20       1e CODE
       -       22        f         <internal>:(__wasm_call_ctors)
       -       31        6         /l/libpython3.13.a(call.o):(null_error)
       -       31        6                 null_error
       -       37        9         /l/libpython3.13.a(list.o):(null_error)
     400       60       20 DATA
     400       61       18 .rodata
     400       67       10         /l/libpython3.13.a(call.o):(.rodata.doc)
     400       67       10                 doc
     410       77        8         /l/libpython3.13.a(list.o):(.data.x)
     418       61        4 .bss
     418        0        4         /l/libpython3.13.a(list.o):(.bss.y)
       -       80        6 CUSTOM(name)
";

    #[test]
    fn functions_and_data_have_their_objects() {
        let map = LinkMap::read(MAP).unwrap();
        assert_eq!(map.objects.len(), 3);
        let told: Vec<(&str, &str, u32)> = map
            .functions
            .iter()
            .map(|it| (it.name, map.objects[it.object as usize], it.size))
            .collect();
        assert_eq!(told[1], ("null_error", "/l/libpython3.13.a(call.o)", 6));
        assert_eq!(told[2], ("null_error", "/l/libpython3.13.a(list.o)", 9));
        let data: Vec<(u32, u32, &str)> =
            map.data.iter().map(|it| (it.address, it.size, it.name)).collect();
        assert_eq!(data, [(0x400, 16, ".rodata.doc"), (0x410, 8, ".data.x"), (0x418, 4, ".bss.y")]);
        assert!(map.fits(Some((0x20, 0x1e)), Some((0x60, 0x20))));
        assert!(!map.fits(Some((0x20, 0x1f)), Some((0x60, 0x20))));
        assert!(!map.fits(None, None));
    }

    #[test]
    fn what_is_no_map_or_half_of_two_is_refused() {
        for (text, said) in [
            ("", "not a link map"),
            ("VMA LMA Size Align Out In Symbol", "not a link map"),
            (&MAP.replace("       -       20", "       - zz"), "line 3"),
            (&MAP.replace("     410 ", "     40f "), "two objects"),
        ] {
            let error = format!("{:#}", LinkMap::read(text).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }
}
