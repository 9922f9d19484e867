//! Files that are part of a wasm module. In the module, they are in the read-only directory `/pywasm`.
//! [`pywasm_wasm::embedded`] describes the format. Equal contents are stored once.

use std::collections::{BTreeMap, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_wasm::embedded::{ENTRY, HEADER, MAGIC};

/// Files by their paths relative to the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedded {
    files: BTreeMap<Utf8PathBuf, Vec<u8>>,
}

/// A directory or a file while they are written.
enum Node<'a> {
    Directory(BTreeMap<&'a str, Node<'a>>),
    File(&'a [u8]),
}

impl Embedded {
    /// Adds a file. Adding a file twice has no effect, because packages of the same namespace can
    /// contain the same file.
    ///
    /// # Errors
    /// When there already is a different file at the path, or a file where the path needs a directory.
    pub fn add(&mut self, path: &Utf8Path, content: Vec<u8>) -> anyhow::Result<()> {
        let mut parents = path.ancestors().skip(1);
        let in_the_way = parents.find(|parent| self.files.contains_key(*parent));
        let is_other = self.files.get(path).is_some_and(|known| *known != content);
        let taken = in_the_way.is_some() || is_other;
        anyhow::ensure!(!taken, "two packages contain different files for the path `{path}`");
        self.files.insert(path.to_owned(), content);
        Ok(())
    }

    /// Returns true if there are no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the path and the size of each file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&Utf8Path, usize)> {
        self.files.iter().map(|(path, content)| (path.as_path(), content.len()))
    }

    /// Returns the path and the content of each file, sorted by path.
    pub fn contents(&self) -> impl Iterator<Item = (&Utf8Path, &[u8])> {
        self.files.iter().map(|(path, content)| (path.as_path(), content.as_slice()))
    }

    /// Returns the files in their format. Equal files have equal bytes.
    ///
    /// # Panics
    /// If the files are larger than 4 GiB, which is more than a wasm module can contain.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut root = BTreeMap::new();
        for (path, content) in &self.files {
            let mut here = &mut root;
            let mut components = path.as_str().split('/').peekable();
            while let Some(name) = components.next() {
                if components.peek().is_none() {
                    here.insert(name, Node::File(content));
                    break;
                }
                let next = here.entry(name).or_insert_with(|| Node::Directory(BTreeMap::new()));
                let Node::Directory(inside) = next else { break };
                here = inside;
            }
        }
        write(&Node::Directory(root))
    }
}

/// Writes the nodes in breadth-first order, so that the entries of a directory are consecutive.
fn write(root: &Node<'_>) -> Vec<u8> {
    let mut queue: Vec<(&str, &Node<'_>, usize)> = vec![("", root, 0)];
    let mut at = 0;
    while let Some((_, node, _)) = queue.get(at) {
        if let Node::Directory(inside) = node {
            queue.extend(inside.iter().map(|(name, node)| (*name, node, at)));
        }
        at += 1;
    }
    let names_start = HEADER + queue.len() * ENTRY;
    let names: String = queue.iter().map(|(name, ..)| *name).collect();
    let contents_start = names_start + names.len();
    let (mut words, mut contents) = (Vec::new(), Vec::new());
    let mut stored: HashMap<&[u8], usize> = HashMap::new();
    let (mut name_start, mut next) = (names_start, 1);
    for (name, node, parent) in &queue {
        let (kind, first, count) = match node {
            Node::Directory(inside) => {
                let first = next;
                next += inside.len();
                (1, first, inside.len())
            }
            Node::File(content) => {
                let start = *stored.entry(content).or_insert_with(|| {
                    let start = contents_start + contents.len();
                    contents.extend_from_slice(content);
                    start
                });
                (0, start, content.len())
            }
        };
        words.extend([name_start, name.len(), kind, first, count, *parent]);
        name_start += name.len();
    }
    let size = contents_start + contents.len();
    let words = [size, queue.len()].into_iter().chain(words);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(words.flat_map(|word| {
        u32::try_from(word).expect("the files should be smaller than 4 GiB").to_le_bytes()
    }));
    bytes.extend(names.bytes());
    bytes.extend(contents);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(files: &[(&str, &str)]) -> Embedded {
        let mut embedded = Embedded::default();
        for (path, content) in files {
            embedded.add(Utf8Path::new(path), content.as_bytes().to_vec()).unwrap();
        }
        embedded
    }

    #[test]
    fn files_are_read_as_they_were_written() {
        let bytes =
            embedded(&[("b/x", "1"), ("b.txt", "22"), ("a/c/y", "1"), ("z", "")]).to_bytes();
        let read = pywasm_wasm::embedded::read(&bytes).unwrap();
        let content = |start: u32, size: u32| &bytes[start as usize..(start + size) as usize];
        let files: Vec<(&str, &[u8])> =
            read.files.iter().map(|it| (it.path.as_str(), content(it.start, it.size))).collect();
        assert_eq!(
            files,
            [("b.txt", &b"22"[..]), ("z", b""), ("b/x", b"1"), ("a/c/y", b"1")],
            "in the order of their directories"
        );
        // Two files have the same content.
        assert_eq!(bytes.len(), read.index as usize + 3);
        for length in 0..bytes.len() {
            assert_eq!(pywasm_wasm::embedded::read(&bytes[..length]), None, "{length}");
        }
    }

    #[test]
    fn path_cannot_have_two_contents() {
        let mut embedded = embedded(&[("a/b", "")]);
        for path in ["a/b", "a/b/c"] {
            assert!(embedded.add(Utf8Path::new(path), b"x".to_vec()).is_err(), "{path}");
        }
        assert!(embedded.add(Utf8Path::new("a/b"), Vec::new()).is_ok(), "the same file");
        assert!(embedded.add(Utf8Path::new("a/c"), Vec::new()).is_ok());
    }
}
