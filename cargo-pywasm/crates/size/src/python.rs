//! The Python code and files in memory, with their addresses: frozen modules and embedded files.

use pywasm_wasm::embedded::{self, MAGIC};

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
    let first = image.start.next_multiple_of(4) - image.start;
    let found = (first as usize..image.bytes.len()).step_by(4).find_map(|at| {
        let bytes = &image.bytes[at..];
        let directory = bytes.starts_with(MAGIC).then(|| embedded::read(bytes)).flatten()?;
        Some((u64::from(image.start) + at as u64, directory))
    });
    let Some((start, directory)) = found else { return Vec::new() };
    let index =
        Piece { origin: Origin::File(String::new()), address: start, size: directory.index.into() };
    let files = directory.files.into_iter().map(|file| Piece {
        address: start + u64::from(file.start),
        size: file.size.into(),
        origin: module_of(&file.path).map_or(Origin::File(file.path), Origin::Python),
    });
    std::iter::once(index).chain(files).collect()
}

/// Returns the name of the Python module whose code a file contains: `app.part` for `app/part.pyc`,
/// `app` for `app/__init__.py` and `app/__pycache__/__init__.cpython-313.pyc`.
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
