//! Finds frozen Python code in memory through the tables that the interpreter itself uses. This
//! needs neither symbols nor a linker map, so it also works for stripped modules and for modules
//! that other tools built.
//!
//! A table entry is `struct _frozen` of CPython 3.13 and later (`Include/cpython/import.h`): the
//! addresses of the name and the code, the size of the code, and a flag for packages. Any four
//! words can look like an entry, in particular in a snapshot's memory, so the code must also start
//! like marshalled module code: `TYPE_CODE` and `FLAG_REF` in `Python/marshal.c`, and the fields
//! that `w_object` writes after them.

use std::collections::BTreeMap;

use crate::memory::Image;

/// A Python module with frozen code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    /// Its full name.
    pub(super) name: String,
    /// The address of its code.
    pub(super) address: u32,
    /// The size of the module's code in bytes.
    pub(super) size: u32,
}

/// The type byte of a code object, without and with the reference flag.
const CODE: [u8; 2] = [b'c', b'c' | 0x80];
/// The argument counts of module code, which takes no arguments: three counts of four bytes.
const NO_ARGUMENTS: [u8; 12] = [0; 12];

/// The maximum accepted length of a module name.
const MAX_NAME: u32 = 200;

/// Returns the Python modules in memory, sorted by address. Their code does not overlap.
pub(super) fn modules(image: &Image) -> Vec<Module> {
    let mut found: BTreeMap<u32, Module> = BTreeMap::new();
    let first = image.start.next_multiple_of(4);
    let end = image.start.saturating_add(u32::try_from(image.bytes.len()).unwrap_or(u32::MAX));
    for at in (first..end).step_by(4) {
        // Aliases of a module share its code. The first name is used.
        if let Some(module) = entry(image, at) {
            found.entry(module.address).or_insert(module);
        }
    }
    let mut end = 0;
    let mut all: Vec<Module> = found.into_values().collect();
    all.retain(|it| {
        let is_separate = u64::from(it.address) >= end;
        if is_separate {
            end = u64::from(it.address) + u64::from(it.size);
        }
        is_separate
    });
    all
}

/// Reads a table entry.
fn entry(image: &Image, at: u32) -> Option<Module> {
    let [name, code, size, package] = [0, 4, 8, 12].map(|more| image.word(at.checked_add(more)?));
    let (code, size) = (code?, size?);
    if package? > 1 || size == 0 {
        return None;
    }
    let (first, rest) = image.slice(code, size)?.split_first()?;
    if !CODE.contains(first) || !rest.starts_with(&NO_ARGUMENTS) {
        return None;
    }
    Some(Module { name: text(image, name?)?, address: code, size })
}

/// Reads a NUL-terminated dotted name.
fn text(image: &Image, address: u32) -> Option<String> {
    let from = address.checked_sub(image.start)? as usize;
    let rest = image.bytes.get(from..)?;
    let length = rest.iter().take(MAX_NAME as usize).position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(&rest[..length]).ok()?;
    text.split('.').all(is_identifier).then(|| text.to_owned())
}

/// Returns true if a word can be part of the name of a Python module.
pub(super) fn is_identifier(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|it| it.is_alphabetic() || it == '_')
        && letters.all(|it| it.is_alphanumeric() || it == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(entries: &[(u32, u32, u32, u32)]) -> Image {
        let mut bytes = b"json.decoder\0x\0-\0".to_vec();
        for (first, arguments) in [(0xe3, 0), (b'c', 0), (b'c', 1)] {
            bytes.extend([first, arguments]);
            bytes.extend([0; 11]);
            bytes.push(b'.');
        }
        bytes.resize(60, 0);
        for (name, code, size, package) in entries {
            for word in [name, code, size, package] {
                bytes.extend(word.to_le_bytes());
            }
        }
        Image { start: 1024, bytes }
    }

    #[test]
    fn module_is_found_by_its_table_entry() {
        let (json, x, no_name, code, other) = (1024, 1037, 1039, 1041, 1055);
        let function = 1069;
        let found = |entries: &[(u32, u32, u32, u32)]| -> Vec<(String, u32)> {
            modules(&memory(entries)).into_iter().map(|it| (it.name, it.size)).collect()
        };
        assert_eq!(
            found(&[(json, code, 14, 0), (x, other, 13, 1)]),
            [("json.decoder".to_owned(), 14), ("x".to_owned(), 13)]
        );
        // The second entry is an alias of the first.
        assert_eq!(found(&[(x, code, 14, 0), (json, code, 14, 0)]), [("x".to_owned(), 14)]);
        for wrong in [
            (no_name, code, 14, 0),
            (json, code, 0, 0),
            (json, code, 12, 0),
            (json, code, 14, 2),
            (json, code, 99_999, 0),
            (json, code + 2, 14, 0),
            (json, function, 14, 0),
            (4, code, 14, 0),
            (u32::MAX, u32::MAX, u32::MAX, 0),
        ] {
            assert!(found(&[wrong]).is_empty(), "{wrong:?}");
        }
        // The code of the second entry overlaps that of the first.
        assert_eq!(found(&[(json, code, 20, 0), (x, other, 14, 0)]).len(), 1);
    }
}
