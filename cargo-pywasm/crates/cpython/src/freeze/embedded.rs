//! Files that are part of a wasm module. In the module, they are in read-only directories, such as
//! `/pywasm`. [`pywasm_wasm::embedded`] describes the format. Equal contents are stored once.

use std::collections::{BTreeMap, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_wasm::embedded::{DIRECTORY, ENTRY, HEADER, MAGIC};

/// The directory of the user's packages.
pub const PACKAGES: &str = "/pywasm";

/// Directories by their absolute paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedded {
    directories: BTreeMap<String, Directory>,
}

/// Files by their paths in the directory, and empty directories, which have no content.
type Directory = BTreeMap<Utf8PathBuf, Option<Vec<u8>>>;

/// A directory or a file while they are written.
enum Node<'a> {
    Directory(BTreeMap<&'a str, Node<'a>>),
    File(&'a [u8]),
}

impl Embedded {
    /// Adds a file at a path in a directory, such as [`PACKAGES`]. Adding a file twice has no effect,
    /// because packages of the same namespace can contain the same file.
    ///
    /// # Errors
    /// When there already is a different file at the path, or a file where the path needs a directory.
    pub fn add(
        &mut self,
        directory: &str,
        path: &Utf8Path,
        content: Vec<u8>,
    ) -> anyhow::Result<()> {
        self.insert(directory, path, Some(content))
    }

    /// Adds an empty directory at a path in a directory.
    ///
    /// # Errors
    /// When there already is a file at the path, or a file where the path needs a directory.
    pub fn add_directory(&mut self, directory: &str, path: &Utf8Path) -> anyhow::Result<()> {
        self.insert(directory, path, None)
    }

    fn insert(
        &mut self,
        directory: &str,
        path: &Utf8Path,
        content: Option<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let entries = self.directories.entry(directory.to_owned()).or_default();
        let in_the_way = path.ancestors().skip(1).any(|parent| entries.contains_key(parent));
        let is_other = entries.get(path).is_some_and(|known| *known != content);
        let taken = in_the_way || is_other;
        anyhow::ensure!(!taken, "two packages contain different files for the path `{path}`");
        entries.insert(path.to_owned(), content);
        Ok(())
    }

    /// Returns true if there are no directories.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty()
    }

    /// Returns true if there are files in a directory.
    #[must_use]
    pub fn has(&self, directory: &str) -> bool {
        self.directories.contains_key(directory)
    }

    /// Returns the absolute path and the size of each file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (Utf8PathBuf, usize)> {
        self.directories.iter().flat_map(|(directory, entries)| {
            entries.iter().filter_map(|(path, content)| {
                Some((Utf8Path::new(directory).join(path), content.as_ref()?.len()))
            })
        })
    }

    /// Returns the path in a directory and the content of each file, sorted by path.
    pub fn contents(&self, directory: &str) -> impl Iterator<Item = (&Utf8Path, &[u8])> {
        let entries = self.directories.get(directory).into_iter().flatten();
        entries.filter_map(|(path, content)| Some((path.as_path(), content.as_deref()?)))
    }

    /// Returns the files in their format. Equal files have equal bytes.
    ///
    /// # Panics
    /// If the files are larger than 4 GiB, which is more than a wasm module can contain.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let nodes = self.directories.iter();
        let nodes = nodes.map(|(path, entries)| (path.as_str(), nodes_of(entries)));
        write(&Node::Directory(nodes.collect()))
    }
}

fn nodes_of(entries: &Directory) -> Node<'_> {
    let mut top = BTreeMap::new();
    for (path, content) in entries {
        let mut here = &mut top;
        let mut components = path.as_str().split('/').peekable();
        while let Some(name) = components.next() {
            if let (None, Some(content)) = (components.peek(), content) {
                here.insert(name, Node::File(content));
                break;
            }
            let next = here.entry(name).or_insert_with(|| Node::Directory(BTreeMap::new()));
            let Node::Directory(inside) = next else { break };
            here = inside;
        }
    }
    Node::Directory(top)
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
    // The names of the directories in the root end with a zero byte.
    let end = |parent: usize, at: usize| if parent == 0 && at > 0 { "\0" } else { "" };
    let ended = queue.iter().enumerate().map(|(at, (name, _, parent))| [name, end(*parent, at)]);
    let names = ended.flatten().collect::<String>();
    let contents_start = names_start + names.len();
    let (mut words, mut contents) = (Vec::new(), Vec::new());
    let mut stored: HashMap<&[u8], usize> = HashMap::new();
    let (mut name_start, mut next) = (names_start, 1);
    for (at, (name, node, parent)) in queue.iter().enumerate() {
        let (flags, first, count) = match node {
            Node::Directory(inside) => {
                let first = next;
                next += inside.len();
                (DIRECTORY, first, inside.len())
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
        words.extend([name_start, name.len(), flags, first, count, *parent]);
        name_start += name.len() + end(*parent, at).len();
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

    fn embedded(files: &[(&str, &str, &str)]) -> Embedded {
        let mut embedded = Embedded::default();
        for (directory, path, content) in files {
            embedded.add(directory, Utf8Path::new(path), content.as_bytes().to_vec()).unwrap();
        }
        embedded
    }

    #[test]
    fn files_are_read_as_they_were_written() {
        let mut embedded = embedded(&[
            (PACKAGES, "b/x", "1"),
            ("/usr/lib", "y.pyc", "333"),
            (PACKAGES, "b.txt", "22"),
            (PACKAGES, "a/c/y", "1"),
            (PACKAGES, "z", ""),
        ]);
        embedded.add_directory("/usr/lib", Utf8Path::new("empty")).unwrap();
        let bytes = embedded.to_bytes();
        let read = pywasm_wasm::embedded::read(&bytes).unwrap();
        let content = |start: u32, size: u32| &bytes[start as usize..(start + size) as usize];
        let files: Vec<((&str, &str), &[u8])> =
            read.files.iter().map(|it| (it.split(), content(it.start, it.size))).collect();
        assert_eq!(
            files,
            [
                ((PACKAGES, "b.txt"), &b"22"[..]),
                ((PACKAGES, "z"), b""),
                (("/usr/lib", "y.pyc"), b"333"),
                ((PACKAGES, "b/x"), b"1"),
                ((PACKAGES, "a/c/y"), b"1"),
            ],
            "in the order of their directories"
        );
        assert_eq!(read.files[0].path, "/pywasm/b.txt");
        let paths: Vec<Utf8PathBuf> = embedded.files().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), read.files.len());
        assert_eq!(paths[4], "/usr/lib/y.pyc");
        for name in [&b"/pywasm\0"[..], b"/usr/lib\0", b"empty"] {
            assert!(bytes.windows(name.len()).any(|it| it == name), "{name:?}");
        }
        // Two files have the same content.
        assert_eq!(bytes.len(), read.index as usize + 6);
        for length in 0..bytes.len() {
            assert_eq!(pywasm_wasm::embedded::read(&bytes[..length]), None, "{length}");
        }
    }

    #[test]
    fn path_cannot_have_two_contents() {
        let mut embedded = embedded(&[(PACKAGES, "a/b", "")]);
        for path in ["a/b", "a/b/c"] {
            assert!(embedded.add(PACKAGES, Utf8Path::new(path), b"x".to_vec()).is_err(), "{path}");
        }
        for path in ["a/b", "a/c"] {
            assert!(embedded.add(PACKAGES, Utf8Path::new(path), Vec::new()).is_ok(), "{path}");
        }
        assert!(embedded.add("/usr/lib", Utf8Path::new("a/b"), b"x".to_vec()).is_ok());
    }
}
