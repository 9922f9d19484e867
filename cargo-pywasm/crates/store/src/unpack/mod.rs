//! Unpacks verified archives.
//!
//! Archives may be hostile. Only regular files, directories and relative links are written, never
//! outside the target directory and never through a link. After an error, the directory is
//! incomplete. Callers therefore unpack into a [`Stage`](crate::Stage), which they drop after an
//! error.

mod deb;
mod error;
mod guard;
mod stream;
mod tar;
mod tree;
mod zip;

pub use error::{Refused, UnpackError};
pub use guard::Limits;

use std::io::{Read, Seek};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;

use crate::fetch::Verified;

/// The totals of an unpacked archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The number of files, directories and links that were written.
    pub entries: u64,
    /// The number of bytes of file content that were written.
    pub bytes: u64,
}

/// A function that maps the path of an entry, such as `usr/lib/x/bin/clang`, to its path in the
/// target directory, or to `None` to leave the entry out. It also maps the targets of hard links.
pub type Select<'a> = dyn FnMut(&Utf8Path) -> Option<Utf8PathBuf> + 'a;

/// Unpacks a `.tar`, `.tar.gz`, `.tar.xz` or `.tar.zst` file into a directory, and strips the first
/// `strip` components of every path. The format is detected from the content.
///
/// A file gets the mode 0755 if its owner may execute it, otherwise 0644, both minus the umask.
/// Modification times are kept because make depends on them.
///
/// # Errors
/// When the archive is corrupt or refused (see [`Refused`]), or its entries cannot be written.
pub fn unpack_tar(
    archive: &Verified,
    into: &Utf8Path,
    strip: usize,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let name = &archive.wanted().file;
    tar_from(open(archive)?, name, into, strip, limits)
}

/// Does the same as [`unpack_tar`], but unpacks only the entries that `select` chooses by their
/// stripped paths.
///
/// # Errors
/// Those of [`unpack_tar`], except that entries that are left out cause no errors.
pub fn unpack_tar_part(
    archive: &Verified,
    into: &Utf8Path,
    strip: usize,
    select: &mut Select<'_>,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let mut map = |path: &Utf8Path| Ok(tar::stripped(path, strip)?.and_then(|path| select(&path)));
    tar::unpack(open(archive)?, &archive.wanted().file, into, &mut map, limits)
}

/// Unpacks a Debian package, but only the files that `select` chooses. The directory may already
/// contain files from other packages.
///
/// # Errors
/// When the package is corrupt or refused (see [`Refused`]), or its entries cannot be written.
/// Entries that are left out are not checked.
pub fn unpack_deb(
    archive: &Verified,
    into: &Utf8Path,
    select: &mut Select<'_>,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let name = &archive.wanted().file;
    deb_from(open(archive)?, name, into, select, limits)
}

/// Does the same as [`unpack_tar`], but reads from any reader, for tests with hostile archives. In
/// error messages, `name` identifies the archive.
///
/// # Errors
/// Those of [`unpack_tar`].
pub fn tar_from(
    archive: impl Read + Send,
    name: &str,
    into: &Utf8Path,
    strip: usize,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let mut map = |path: &Utf8Path| tar::stripped(path, strip);
    tar::unpack(archive, name, into, &mut map, limits)
}

/// Does the same as [`unpack_deb`], but reads from any reader, for tests with hostile packages. In
/// error messages, `name` identifies the package.
///
/// # Errors
/// Those of [`unpack_deb`].
pub fn deb_from(
    archive: impl Read + Send,
    name: &str,
    into: &Utf8Path,
    select: &mut Select<'_>,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let data = deb::data_member(archive).map_err(|reason| UnpackError::of(name, reason))?;
    let mut map = |path: &Utf8Path| Ok(select(path));
    tar::unpack(data, name, into, &mut map, limits)
}

/// Unpacks a zip archive, such as a Python wheel, into a directory. Two entries with the same path are
/// refused, as are links.
///
/// # Errors
/// When the archive is corrupt or refused (see [`Refused`]), or its entries cannot be written.
pub fn unpack_zip(
    archive: &Verified,
    into: &Utf8Path,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    zip_from(open(archive)?, &archive.wanted().file, into, limits)
}

/// Does the same as [`unpack_zip`], but reads from any reader, for tests with hostile archives. In
/// error messages, `name` identifies the archive.
///
/// # Errors
/// Those of [`unpack_zip`].
pub fn zip_from(
    archive: impl Read + Seek,
    name: &str,
    into: &Utf8Path,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    zip::unpack(archive, name, into, limits)
}

/// Decompresses the content of a verified file, such as a package index. The format may be gzip,
/// xz, zstd or uncompressed.
///
/// # Errors
/// When the content is corrupt or exceeds `limits`.
pub fn decompress(bytes: &[u8], name: &str, limits: &Limits) -> Result<Vec<u8>, UnpackError> {
    stream::whole(bytes, limits).map_err(|reason| UnpackError::of(name, reason))
}

fn open(archive: &Verified) -> Result<File, UnpackError> {
    File::open(archive.path())
        .map_err(|error| UnpackError::of(&archive.wanted().file, Refused::Read(error)))
}
