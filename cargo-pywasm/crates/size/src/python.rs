//! The Python code and files in memory, with their addresses: frozen modules and embedded files.

use pywasm_wasm::embedded;

use crate::memory::Image;
use crate::{Origin, frozen};

/// A piece of memory with Python code or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) origin: Origin,
    /// The address of its first byte.
    pub(super) address: u64,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Piece {
    /// Returns the address after the last byte.
    pub(super) fn end(&self) -> u64 {
        self.address + self.size
    }
}

/// Returns all pieces, sorted by address. They do not overlap.
pub(super) fn pieces(image: &Image) -> Vec<Piece> {
    let modules = frozen::modules(image).into_iter().map(|module| Piece {
        origin: Origin::Python(module.name),
        address: module.address.into(),
        size: module.size.into(),
    });
    let mut all: Vec<Piece> = modules.chain(files(image)).collect();
    // The sort is stable: of several files with the same content, the first one gets the bytes.
    all.sort_by_key(|piece| piece.address);
    let mut end = 0;
    all.retain(|piece| {
        let is_separate = piece.address >= end && piece.size > 0;
        if is_separate {
            end = piece.end();
        }
        is_separate
    });
    all
}

/// Returns the embedded files and their index.
fn files(image: &Image) -> Vec<Piece> {
    let Some((start, found)) = embedded::find(image.start, &image.bytes) else {
        return Vec::new();
    };
    let start = u64::from(start);
    let index = Piece { origin: Origin::FileIndex, address: start, size: found.index.into() };
    let files = found.files.into_iter().map(|file| Piece {
        address: start + u64::from(file.start),
        size: file.size.into(),
        origin: module_of(file.split().1).map_or(Origin::File(file.path), Origin::Python),
    });
    std::iter::once(index).chain(files).collect()
}

/// Returns the name of the Python module whose code a file contains, by its path in its directory:
/// `app.part` for `app/part.pyc`, `app` for `app/__init__.py` and
/// `app/__pycache__/__init__.cpython-313.pyc`.
fn module_of(path: &str) -> Option<String> {
    let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.strip_suffix(".pyc").or_else(|| file.strip_suffix(".py"))?;
    let (dir, stem) = match dir.rsplit_once('/').unwrap_or(("", dir)) {
        (above, "__pycache__") => (above, stem.split('.').next().unwrap_or(stem)),
        _ => (dir, stem),
    };
    let mut words: Vec<&str> = dir.split('/').filter(|word| !word.is_empty()).collect();
    if stem != "__init__" {
        words.push(stem);
    }
    let is_module = !words.is_empty() && words.iter().all(|word| frozen::is_identifier(word));
    is_module.then(|| words.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Node {
        /// The first entry and the number of entries.
        Directory(usize, usize),
        File(&'static str),
    }

    /// Writes directories and files: for each, its name, its parent and its content.
    fn image(entries: &[(&str, usize, Node)]) -> Image {
        let names: String = entries.iter().map(|(name, ..)| *name).collect();
        let names_start = embedded::HEADER + entries.len() * embedded::ENTRY;
        let mut name_start = names_start;
        let mut contents = String::new();
        let mut words = Vec::new();
        for (name, parent, node) in entries {
            let (kind, first, count) = match node {
                Node::Directory(first, count) => (1, *first, *count),
                Node::File(content) => {
                    let start = names_start + names.len() + contents.len();
                    contents.push_str(content);
                    (0, start, content.len())
                }
            };
            words.extend([name_start, name.len(), kind, first, count, *parent]);
            name_start += name.len();
        }
        let head = [name_start + contents.len(), entries.len()];
        let words = head.into_iter().chain(words).map(|word| u32::try_from(word).unwrap());
        let mut bytes = embedded::MAGIC.to_vec();
        bytes.extend(words.flat_map(u32::to_le_bytes));
        bytes.extend(names.bytes().chain(contents.bytes()));
        Image { start: 1024, bytes }
    }

    #[test]
    fn files_of_the_library_count_for_its_modules() {
        let found = pieces(&image(&[
            ("", 0, Node::Directory(1, 2)),
            ("/pywasm", 0, Node::Directory(3, 1)),
            ("/usr/local/lib/python3.13", 0, Node::Directory(4, 1)),
            ("app.pyc", 1, Node::File("1")),
            ("email", 2, Node::Directory(5, 2)),
            ("__init__.pyc", 4, Node::File("22")),
            ("data.txt", 4, Node::File("333")),
        ]));
        let found: Vec<(String, u64)> =
            found.into_iter().map(|piece| (piece.origin.to_string(), piece.size)).collect();
        let pair = |name: &str, size: u64| (name.to_owned(), size);
        assert_eq!(found[0].0, "index of embedded files");
        assert_eq!(
            found[1..],
            [pair("app", 1), pair("email", 2), pair("/usr/local/lib/python3.13/email/data.txt", 3)]
        );
    }

    #[test]
    fn file_of_a_module_has_its_name() {
        for (path, module) in [
            ("app/__init__.pyc", Some("app")),
            ("app/part.py", Some("app.part")),
            ("tool.pyc", Some("tool")),
            ("app/__pycache__/part.cpython-313.pyc", Some("app.part")),
            ("app/__pycache__/__init__.cpython-313.pyc", Some("app")),
            ("app/0001_initial.py", None),
            ("app/data.json", None),
            ("app-1.0.dist-info/tool.py", None),
        ] {
            assert_eq!(module_of(path).as_deref(), module, "{path}");
        }
    }
}
