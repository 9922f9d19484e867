//! The files that are part of a wasm module: read-only directories in its memory.
//!
//! All numbers are little-endian words of four bytes, and all offsets are relative to the start:
//!
//! - a header: 16 bytes that identify the format, the size of everything in bytes, and the number of
//!   entries
//! - for each entry: the offset and the size of its name, its flags, and two words that follow. For a
//!   directory, these are the index of its first entry and the number of its entries. For a file, they
//!   are the offset and the size of its content. The last word is the index of the parent. The entries of a directory are consecutive and sorted by name. A directory precedes
//!   its entries. The first entry is the root, which contains only directories. Their names are absolute
//!   paths, such as `/pywasm`, and end with a zero byte, which is not part of the size
//! - the flags: bit 0 is set for a directory, and bit 1 as soon as the program has opened a file
//! - the names, and then the contents. Several files can have the same content
//!
//! `pywasm-cpython` writes this format, and its `guest/files.c` reads it at run time.

/// The first bytes of the header.
pub const MAGIC: &[u8; 16] = b"pywasm files v2\0";
/// The size of the header in bytes.
pub const HEADER: usize = 24;
/// The size of an entry in bytes.
pub const ENTRY: usize = 24;

/// The alignment of the header in memory.
const ALIGNMENT: u32 = 4;
/// The flag of a directory.
pub const DIRECTORY: usize = 1;
/// The flag of a file that has been opened.
const OPENED: usize = 2;

/// The maximum accepted length of a path, so that paths need no more memory than a multiple of the
/// input.
const MAX_PATH: usize = 1024;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its absolute path.
    pub path: String,
    /// The length of the path's first part, which is the name of a directory in the root.
    top: usize,
    /// The offset of its content.
    pub start: u32,
    /// The size of its content in bytes.
    pub size: u32,
    /// True if the program has opened the file.
    pub opened: bool,
}

impl File {
    /// Returns the directory in the root that contains the file, such as `/pywasm`, and the file's path
    /// in it.
    #[must_use]
    pub fn split(&self) -> (&str, &str) {
        let (top, rest) = self.path.split_at(self.top);
        (top, rest.trim_start_matches('/'))
    }
}

/// The files in the directories, and the size of the header, entries and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The files, in the order of their entries.
    pub files: Vec<File>,
    /// The size of everything before the contents in bytes.
    pub index: u32,
}

/// Finds the directories in memory whose first byte has the address `start`. Returns their address.
#[must_use]
pub fn find(start: u32, memory: &[u8]) -> Option<(u32, Files)> {
    let first = start.next_multiple_of(ALIGNMENT) - start;
    (first..u32::try_from(memory.len()).ok()?).step_by(ALIGNMENT as usize).find_map(|at| {
        let bytes = &memory[at as usize..];
        Some((start.checked_add(at)?, read(bytes)?))
    })
}

/// Reads the directories from the start of `bytes`. Returns `None` if there are none, or if they are
/// malformed.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Files> {
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    let word = |at: usize| -> Option<usize> {
        let word = bytes.get(at..at.checked_add(4)?)?;
        usize::try_from(u32::from_le_bytes(word.try_into().ok()?)).ok()
    };
    let (size, count) = (word(16)?, word(20)?);
    let bytes = bytes.get(..size)?;
    let end = count.checked_mul(ENTRY)?.checked_add(HEADER)?;
    bytes.get(..end)?;
    // The paths of the entries, each with the length of its first part.
    let mut paths: Vec<(String, usize)> = Vec::new();
    let (mut files, mut index) = (Vec::new(), end);
    for number in 0..count {
        let field = |field: usize| word(HEADER + number * ENTRY + field * 4);
        let name = bytes.get(field(0)?..field(0)?.checked_add(field(1)?)?)?;
        let name = std::str::from_utf8(name).ok()?;
        index = index.max(field(0)? + name.len());
        let (path, top) = match (number, field(5)?) {
            (0, _) => (String::new(), 0),
            (_, 0) => (name.to_owned(), name.len()),
            (_, parent) => {
                let (parent, top) = paths.get(parent)?;
                (format!("{parent}/{name}"), *top)
            }
        };
        if path.len() > MAX_PATH {
            return None;
        }
        let (start, size) = (field(3)?, field(4)?);
        let flags = field(2)?;
        if flags & DIRECTORY == 0 {
            bytes.get(start..start.checked_add(size)?)?;
            let (start, size) = (u32::try_from(start).ok()?, u32::try_from(size).ok()?);
            files.push(File { path: path.clone(), top, start, size, opened: flags & OPENED != 0 });
        }
        paths.push((path, top));
    }
    Some(Files { files, index: u32::try_from(index).ok()? })
}
