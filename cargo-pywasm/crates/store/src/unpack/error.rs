//! The errors of unpacking.

use camino::Utf8PathBuf;

/// An archive that could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[error("cannot unpack `{archive}`{}", entry.as_ref().map(|entry| format!(", entry `{entry}`")).unwrap_or_default())]
pub struct UnpackError {
    /// The name of the archive.
    pub archive: String,
    /// The path of the entry that caused the error, or `None` if the whole archive did.
    pub entry: Option<String>,
    /// The reason.
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

/// The reason why an archive or an entry is refused. In the messages, "it" is the entry or, if
/// there is no entry, the archive.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A path with `..`.
    #[error("its path contains `..`")]
    Traversal,
    /// An absolute path.
    #[error("its path is absolute")]
    AbsolutePath,
    /// An empty path, or one with a NUL byte.
    #[error("its path is empty or contains a NUL byte")]
    BadPath,
    /// A name or link target that is not UTF-8.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// A path that is empty after its first components are stripped.
    #[error("its path is empty after {0} components are stripped")]
    TooShallow(usize),
    /// A link to an absolute path.
    #[error("it is a link to the absolute path `{0}`")]
    AbsoluteLink(String),
    /// A link whose target is, or may be, outside the directory.
    #[error("it is a link to `{0}`, which may be outside the directory")]
    LinkOutside(String),
    /// A hard link to anything but a regular file that was already unpacked.
    #[error("it is a hard link to `{0}`, but no such file was unpacked")]
    HardLinkToNothing(String),
    /// A path that leads through a link.
    #[error("its path contains the link `{0}`")]
    ThroughLink(Utf8PathBuf),
    /// Two entries with the same path but different kinds.
    #[error("`{path}` is already a {was}")]
    KindChange {
        /// The path in the tree.
        path: Utf8PathBuf,
        /// The kind of the existing entry.
        was: &'static str,
    },
    /// A zip archive with several entries of the same path.
    #[error("it contains several entries with the same path")]
    Duplicates,
    /// An entry other than a file, a directory or a link.
    #[error("it is a {0}: only files, directories and links are unpacked")]
    Special(&'static str),
    /// An archive that unpacks to more than [`Limits::max_bytes`](super::Limits::max_bytes) bytes.
    #[error("it unpacks to more than {0} bytes")]
    TooManyBytes(u64),
    /// An archive with more than [`Limits::max_entries`](super::Limits::max_entries) entries.
    #[error("it has more than {0} entries")]
    TooManyEntries(u64),
    /// An archive whose compression ratio exceeds [`Limits::max_ratio`](super::Limits::max_ratio).
    #[error("it unpacks to more than {0} times its size: a decompression bomb")]
    TooDense(u64),
    /// An entry whose headers are larger than even the longest path requires.
    #[error("an entry's headers are larger than {0} bytes")]
    HugeHeader(u64),
    /// An archive that ends too early.
    #[error("it is truncated")]
    Truncated,
    /// An archive with content after its end.
    #[error("it has content after its end")]
    TrailingGarbage,
    /// A format that is not supported.
    #[error("it is {0}: only .tar, .tar.gz, .tar.xz, .tar.zst and .deb are supported")]
    UnknownFormat(&'static str),
    /// An archive with invalid content.
    #[error("it is corrupt: {0}")]
    Corrupt(String),
    /// An archive that cannot be read.
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    /// An entry that cannot be written.
    #[error("it cannot be written")]
    Write(#[source] std::io::Error),
}
