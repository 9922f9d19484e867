//! Reads what is needed to choose a libc: the symbols in an archive's index, and the functions that
//! a wasm object imports.
//!
//! Sources of the formats: the System V archive index as LLVM writes it, and the binary format of
//! WebAssembly (core specification, section 5.5).

use std::collections::BTreeSet;

/// Returns the symbols in an archive's index, or `None` if the bytes are not an archive with an
/// index.
pub(crate) fn archive_symbols(archive: &[u8]) -> Option<BTreeSet<String>> {
    let (name, index) = members(archive)?.next()?;
    let width = match name {
        "/" => 4,
        "/SYM64/" => 8,
        _ => return None,
    };
    let (count, rest) = big_endian(index, width)?;
    let names = rest.get(count.checked_mul(width)?..)?;
    let mut symbols = BTreeSet::new();
    for name in names.split(|byte| *byte == 0).take(count) {
        symbols.insert(String::from_utf8_lossy(name).into_owned());
    }
    Some(symbols)
}

/// Returns the functions that the objects in an archive import, even if another member defines
/// them. Members that are not wasm objects are skipped. Returns `None` if the bytes are not an
/// archive.
pub(crate) fn archive_imports(archive: &[u8]) -> Option<BTreeSet<String>> {
    let mut imports = BTreeSet::new();
    for (_, object) in members(archive)? {
        imports.extend(object_imports(object).unwrap_or_default());
    }
    Some(imports)
}

/// Returns the functions that an object imports, or `None` if the bytes are not a wasm object.
pub(crate) fn object_imports(object: &[u8]) -> Option<BTreeSet<String>> {
    let mut rest = Bytes(object.strip_prefix(b"\0asm\x01\0\0\0")?);
    while !rest.0.is_empty() {
        let (id, size) = (rest.byte()?, rest.number()?);
        let section = rest.take(size)?;
        if id == 2 {
            return imports(Bytes(section));
        }
    }
    Some(BTreeSet::new())
}

fn imports(mut section: Bytes<'_>) -> Option<BTreeSet<String>> {
    let mut functions = BTreeSet::new();
    for _ in 0..section.number()? {
        let module = section.text()?;
        let name = section.text()?;
        match section.byte()? {
            0 => {
                section.number()?;
                if module == "env" {
                    functions.insert(name.to_owned());
                }
            }
            1 => {
                section.byte()?;
                section.limits()?;
            }
            2 => section.limits()?,
            3 => {
                section.take(2)?;
            }
            4 => {
                section.byte()?;
                section.number()?;
            }
            _ => return None,
        }
    }
    Some(functions)
}

/// A cursor over bytes.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.0.get(..count)?;
        self.0 = &self.0[count..];
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// Reads an unsigned LEB128 number.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).ok();
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn limits(&mut self) -> Option<()> {
        let flags = self.byte()?;
        self.number()?;
        if flags & 1 != 0 {
            self.number()?;
        }
        Some(())
    }
}

/// Returns the names and bytes of an archive's members, up to the first damaged member.
fn members(archive: &[u8]) -> Option<impl Iterator<Item = (&str, &[u8])> + '_> {
    const HEADER: usize = 60;
    let mut rest = archive.strip_prefix(b"!<arch>\n")?;
    Some(std::iter::from_fn(move || {
        let header = rest.get(..HEADER)?;
        let field = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&header[range]).ok().map(|text| text.trim_end_matches(' '))
        };
        let size: usize = field(48..58)?.parse().ok()?;
        let body = rest.get(HEADER..HEADER.checked_add(size)?)?;
        // Members start at even offsets.
        rest = rest.get(HEADER + size + size % 2..).unwrap_or_default();
        Some((field(0..16)?, body))
    }))
}

fn big_endian(bytes: &[u8], width: usize) -> Option<(usize, &[u8])> {
    let number = bytes.get(..width)?.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Some((usize::try_from(number).ok()?, &bytes[width..]))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Creates an archive that contains these members and an index of these symbols.
    pub(crate) fn archive(symbols: &[&str], members: &[&[u8]]) -> Vec<u8> {
        let mut index = u32::try_from(symbols.len()).unwrap().to_be_bytes().to_vec();
        index.extend(symbols.iter().flat_map(|_| [0; 4]));
        for symbol in symbols {
            index.extend(symbol.bytes().chain([0]));
        }
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, body) in
            [("/", &*index)].into_iter().chain(members.iter().map(|body| ("m.o/", *body)))
        {
            bytes.extend(format!("{name:<48}{:<10}`\n", body.len()).bytes());
            bytes.extend(body);
            bytes.resize(bytes.len() + body.len() % 2, b'\n');
        }
        bytes
    }

    /// Creates a wasm object that imports a memory, a table, a global and these functions.
    pub(crate) fn object(imports: &[&str]) -> Vec<u8> {
        let text = |text: &str| -> Vec<u8> {
            let length = u8::try_from(text.len()).unwrap();
            [length].into_iter().chain(text.bytes()).collect()
        };
        let mut section = vec![u8::try_from(imports.len() + 4).unwrap()];
        let mut import = |module: &str, name: &str, rest: &[u8]| {
            section.extend([text(module), text(name), rest.to_vec()].concat());
        };
        import("env", "__linear_memory", &[2, 0, 1]);
        import("env", "__indirect_function_table", &[1, 0x70, 1, 0, 4]);
        import("env", "__stack_pointer", &[3, 0x7f, 1]);
        import("wasi_snapshot_preview1", "fd_write", &[0, 0]);
        for name in imports {
            import("env", name, &[0, 0]);
        }
        let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02".to_vec();
        // The LEB128 size is padded to two bytes, because linkers also pad sizes.
        let size = section.len();
        bytes.extend([u8::try_from(size & 0x7f).unwrap() | 0x80, u8::try_from(size >> 7).unwrap()]);
        bytes.extend(section);
        bytes
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn archive_symbols_and_imports_are_read() {
        let bytes = archive(&["malloc", "free"], &[&object(&["sbrk"]), b"junk!", &object(&[])]);
        assert_eq!(archive_symbols(&bytes).unwrap(), set(&["malloc", "free"]));
        assert_eq!(archive_imports(&bytes).unwrap(), set(&["sbrk"]));
    }

    #[test]
    fn only_imported_functions_count() {
        let names = object_imports(&object(&["__wasi_init_tp", "exit"])).unwrap();
        assert_eq!(names, set(&["__wasi_init_tp", "exit"]));
    }

    #[test]
    fn damaged_bytes_are_not_empty_ones() {
        assert_eq!(object_imports(b"\0asm\x01\0\0\0"), Some(BTreeSet::new()));
        assert_eq!(object_imports(b"ELF"), None);
        let whole = object(&["exit"]);
        assert_eq!(object_imports(&whole[..whole.len() - 3]), None);
        assert_eq!(archive_symbols(b"!<arch>\n"), None);
        let whole = archive(&["malloc"], &[]);
        assert_eq!(archive_symbols(&whole[..66]), None);
    }
}
