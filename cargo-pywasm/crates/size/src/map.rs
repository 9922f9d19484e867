//! Reads the linker map, which lists the object file that each function and each variable comes
//! from.
//!
//! The format is that of `lld/wasm/MapFile.cpp` in LLVM. The columns are the address, the file
//! offset and the size, all hexadecimal, followed by text. The indentation of the text shows
//! whether the line describes a section, an input (`FILE:(NAME)`) or a symbol.

use std::collections::HashMap;

/// A linker map.
#[derive(Clone, Debug, Default)]
pub struct LinkMap<'a> {
    /// The paths of objects.
    pub(super) objects: Vec<&'a str>,
    /// The functions, in the order of the code section.
    pub(super) functions: Vec<Function<'a>>,
    /// Variables and constants, sorted by address. They do not overlap.
    pub(super) data: Vec<Chunk<'a>>,
    /// The file offset and size of each section in the linker's output.
    sections: HashMap<&'a str, (u64, u64)>,
}

/// A function in the code section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    /// An index into [`LinkMap::objects`].
    pub(super) object: u32,
    /// The size in bytes in the linker's output.
    pub(super) size: u32,
}

/// A piece of data from one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) address: u32,
    pub(super) size: u32,
    /// An index into [`LinkMap::objects`].
    pub(super) object: u32,
    /// The name of the section in the object: `.rodata.bool_doc`.
    pub(super) name: &'a str,
}

/// The words in the first line of a map.
const TITLE: [&str; 6] = ["Addr", "Off", "Size", "Out", "In", "Symbol"];

/// The indentation of an input line.
const INPUT: usize = 9;

impl<'a> LinkMap<'a> {
    /// Reads a map.
    ///
    /// # Errors
    /// When the text is not a linker map from wasm-ld, or two linkers wrote to the file at once.
    pub fn read(text: &'a str) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let title = lines.next().unwrap_or_default().split_whitespace();
        anyhow::ensure!(title.eq(TITLE), "not a linker map from wasm-ld");
        let mut map = Self::default();
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut section = "";
        for (number, line) in (2..).zip(lines) {
            let broken = || anyhow::anyhow!("line {number} of the linker map is malformed");
            let line = Line::read(line).ok_or_else(broken)?;
            if line.indent < INPUT {
                // A section line is either `DATA` or has no address, like `CODE`. Other lines with
                // this indentation are data segments, such as `.rodata`.
                if line.address.is_none() || line.text == "DATA" {
                    section = line.text;
                    map.sections.insert(section, (line.offset, line.size));
                }
                continue;
            }
            // The bytes of a symbol line were already counted in the input line before it.
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
                "two objects overlap at address {:#x}",
                chunk.address
            );
            end = u64::from(chunk.address) + u64::from(chunk.size);
        }
        Ok(map)
    }

    /// Returns true if the map describes a module with these sections. `code` and `data` are the
    /// file offsets and sizes of the two sections, including their headers.
    #[must_use]
    pub(super) fn fits(&self, code: Option<(u64, u64)>, data: Option<(u64, u64)>) -> bool {
        self.sections.get("CODE").copied() == code && self.sections.get("DATA").copied() == data
    }
}

/// The columns of a line.
struct Line<'a> {
    /// The address in memory; `None` for functions and sections that are not in memory.
    address: Option<u64>,
    offset: u64,
    size: u64,
    /// The number of spaces between the size and the text.
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

    /// Splits `FILE:(NAME)` at the first `:(`, which paths rarely contain. The name may contain
    /// parentheses.
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

    /// A map as LLVM 22 writes it.
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
    fn functions_and_data_have_objects() {
        let map = LinkMap::read(MAP).unwrap();
        assert_eq!(map.objects.len(), 3);
        let functions: Vec<(&str, &str, u32)> = map
            .functions
            .iter()
            .map(|it| (it.name, map.objects[it.object as usize], it.size))
            .collect();
        assert_eq!(functions[1], ("null_error", "/l/libpython3.13.a(call.o)", 6));
        assert_eq!(functions[2], ("null_error", "/l/libpython3.13.a(list.o)", 9));
        let data: Vec<(u32, u32, &str)> =
            map.data.iter().map(|it| (it.address, it.size, it.name)).collect();
        assert_eq!(data, [(0x400, 16, ".rodata.doc"), (0x410, 8, ".data.x"), (0x418, 4, ".bss.y")]);
        assert!(map.fits(Some((0x20, 0x1e)), Some((0x60, 0x20))));
        assert!(!map.fits(Some((0x20, 0x1f)), Some((0x60, 0x20))));
        assert!(!map.fits(None, None));
    }

    #[test]
    fn malformed_map_is_refused() {
        for (text, message) in [
            ("", "not a linker map"),
            ("VMA LMA Size Align Out In Symbol", "not a linker map"),
            (&MAP.replace("       -       20", "       - zz"), "line 3"),
            (&MAP.replace("     410 ", "     40f "), "two objects overlap"),
        ] {
            let error = format!("{:#}", LinkMap::read(text).unwrap_err());
            assert!(error.contains(message), "{error}");
        }
    }
}
