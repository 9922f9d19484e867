//! Unpacks verified archives into a directory of the store's staging area.
//!
//! It never writes outside the directory, whatever the archive says, never through
//! a link, and never anything but regular files, directories and relative links.
//! After an error the directory holds what came before it: callers unpack into a
//! [`Stage`](crate::Stage) and drop it.

mod deb;
mod error;
mod guard;
mod stream;
mod tar;
mod tree;

pub use error::{Refused, UnpackError};
pub use guard::Limits;

use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;

use crate::fetch::Verified;

/// What an archive held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files, directories and links that were written.
    pub entries: u64,
    /// Bytes of file content that were written.
    pub bytes: u64,
}

/// Says where an entry of a package goes in the tree: given `usr/lib/x/bin/clang`,
/// the path in the tree, or `None` to leave it out. A hard link's target is asked for, too.
pub type Select<'a> = dyn FnMut(&Utf8Path) -> Option<Utf8PathBuf> + 'a;

/// Unpacks a `.tar`, `.tar.gz`, `.tar.xz` or `.tar.zst` into a directory, without
/// the first `strip` components of every path. The format is told by its content.
///
/// Modes become 0755 or 0644 by the owner's executable bit, less what the umask
/// takes; modification times are kept, because make goes by them.
///
/// # Errors
/// When the archive is broken, is refused (see [`Refused`]), or can't be written.
pub fn unpack_tar(
    archive: &Verified,
    into: &Utf8Path,
    strip: usize,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let name = &archive.wanted().file;
    tar_from(open(archive)?, name, into, strip, limits)
}

/// [`unpack_tar`] of what `select` chooses, which is given paths without their first components.
///
/// # Errors
/// Those of [`unpack_tar`]. What is not selected may be of any kind and lead anywhere.
pub fn unpack_tar_part(
    archive: &Verified,
    into: &Utf8Path,
    strip: usize,
    select: &mut Select<'_>,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let mut place =
        |path: &Utf8Path| Ok(tar::stripped(path, strip)?.and_then(|path| select(&path)));
    tar::unpack(open(archive)?, &archive.wanted().file, into, &mut place, limits)
}

/// Unpacks what `select` chooses of a Debian package's files into a directory,
/// which may hold the files of other packages already.
///
/// # Errors
/// When the package is broken, is refused (see [`Refused`]), or can't be written.
/// What is not selected may be of any kind and lead anywhere.
pub fn unpack_deb(
    archive: &Verified,
    into: &Utf8Path,
    select: &mut Select<'_>,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let name = &archive.wanted().file;
    deb_from(open(archive)?, name, into, select, limits)
}

/// [`unpack_tar`] from any reader, so that tests can feed hostile archives. `name`
/// is for messages.
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
    let mut place = |path: &Utf8Path| tar::stripped(path, strip);
    tar::unpack(archive, name, into, &mut place, limits)
}

/// [`unpack_deb`] from any reader, so that tests can feed hostile packages. `name`
/// is for messages.
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
    let mut place = |path: &Utf8Path| Ok(select(path));
    tar::unpack(data, name, into, &mut place, limits)
}

/// Decompresses a verified file in a known way (`.gz`, `.xz`, `.zst`, or plain),
/// such as an index of packages, into memory.
///
/// # Errors
/// When it is broken, or larger than `limits` allow.
pub fn decompress(bytes: &[u8], name: &str, limits: &Limits) -> Result<Vec<u8>, UnpackError> {
    stream::whole(bytes, limits).map_err(|reason| UnpackError::of(name, reason))
}

fn open(archive: &Verified) -> Result<File, UnpackError> {
    File::open(archive.path())
        .map_err(|error| UnpackError::of(&archive.wanted().file, Refused::Read(error)))
}
