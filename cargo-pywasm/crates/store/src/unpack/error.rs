//! Why an archive was not unpacked.

use camino::Utf8PathBuf;

/// An archive that was not unpacked to its end.
#[derive(Debug, thiserror::Error)]
#[error("can't unpack `{archive}`{}", entry.as_ref().map(|entry| format!(", entry `{entry}`")).unwrap_or_default())]
pub struct UnpackError {
    /// The archive's name.
    pub archive: String,
    /// The entry that was at fault, when it was one.
    pub entry: Option<String>,
    /// Why.
    #[source]
    pub reason: Refused,
}

impl UnpackError {
    pub(super) fn of(archive: &str, reason: Refused) -> Self {
        Self { archive: archive.to_owned(), entry: None, reason }
    }

    pub(super) fn at(archive: &str, entry: &str, reason: Refused) -> Self {
        Self { archive: archive.to_owned(), entry: Some(entry.to_owned()), reason }
    }
}

/// Why an archive, or an entry of it, is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A path or link target with `..` in it.
    #[error("its path leads outside: `..`")]
    Traversal,
    /// A path that begins at the file system's root.
    #[error("its path is absolute")]
    AbsolutePath,
    /// A path with nothing in it, or a NUL byte.
    #[error("its path is empty or holds a NUL")]
    BadPath,
    /// A name or link target that is not UTF-8.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// A file that has fewer components than are to be dropped.
    #[error("it lies above the {0} path components that are dropped")]
    TooShallow(usize),
    /// A link to an absolute path.
    #[error("it is a link to the absolute path `{0}`")]
    AbsoluteLink(String),
    /// A link that leads outside, or whose end can't be known.
    #[error("it is a link to `{0}`, which leads outside or may do so")]
    LinkOutside(String),
    /// A hard link to something that is not a regular file of this archive.
    #[error("it is a hard link to `{0}`, which is no file that was unpacked before it")]
    HardLinkToNothing(String),
    /// A path that goes through a link.
    #[error("its path goes through the link `{0}`")]
    ThroughLink(Utf8PathBuf),
    /// A second entry of the same path and of another kind.
    #[error("`{path}` is there already as a {was}")]
    KindChange {
        /// The path in the tree.
        path: Utf8PathBuf,
        /// What it is there.
        was: &'static str,
    },
    /// A device, a pipe, a socket, or something even rarer.
    #[error("it is a {0}: only files, directories and links are unpacked")]
    Special(&'static str),
    /// More bytes than are allowed.
    #[error("it unpacks to more than {0} bytes")]
    TooManyBytes(u64),
    /// More entries than are allowed.
    #[error("it has more than {0} entries")]
    TooManyEntries(u64),
    /// It grows by more than any honest archive does.
    #[error("it unpacks to more than {0} times its size: a decompression bomb")]
    TooDense(u64),
    /// Headers of an entry that are larger than names can be.
    #[error("an entry's headers are larger than {0} bytes")]
    HugeHeader(u64),
    /// It ends too early.
    #[error("it is truncated")]
    Truncated,
    /// There is something after its end.
    #[error("there is something after its end")]
    TrailingGarbage,
    /// It is nothing that can be unpacked.
    #[error("it is {0}; .tar, .tar.gz, .tar.xz, .tar.zst and .deb can be unpacked")]
    UnknownFormat(&'static str),
    /// It does not hold together.
    #[error("it is corrupt: {0}")]
    Corrupt(String),
    /// It can't be read.
    #[error("it can't be read")]
    Read(#[source] std::io::Error),
    /// What it holds can't be written.
    #[error("it can't be written")]
    Write(#[source] std::io::Error),
}
