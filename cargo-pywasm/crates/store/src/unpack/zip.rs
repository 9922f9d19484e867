//! Unpacks zip archives. Each entry is checked before it is written.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};

use camino::Utf8Path;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::Unpacked;
use super::error::{Refused, UnpackError};
use super::guard::{Guarded, Limits, Verdict};
use super::tree::{Inside, Tree};

/// The modification time of all files: 1980-01-01, the first date that a zip archive can contain.
const MTIME: u64 = 315_532_800;

/// The size of the record at the end of an archive, without its comment, and the offset of the
/// number of entries in it.
///
/// Source: section 4.3.16 of <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
const END_RECORD: u64 = 22;
const END_COUNT: u64 = 10;

/// The type of the entry in its Unix mode, and the types that are unpacked.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// Unpacks all entries.
pub(super) fn unpack(
    archive: impl Read + Seek,
    name: &str,
    into: &Utf8Path,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let of = |reason| UnpackError::of(name, reason);
    let mut archive = ZipArchive::new(archive).map_err(|error| of(broken(error)))?;
    let count = archive.len();
    if u64::try_from(count).unwrap_or(u64::MAX) > limits.max_entries {
        return Err(of(Refused::TooManyEntries(limits.max_entries)));
    }
    let (verdict, compressed) = (Verdict::default(), Cell::new(0));
    let mut tree = Tree::new(into);
    let mut done = Unpacked::default();
    for index in 0..count {
        let mut entry = archive.by_index(index).map_err(|error| of(broken(error)))?;
        let path = String::from_utf8_lossy(entry.name_raw()).into_owned();
        compressed.set(compressed.get() + entry.compressed_size());
        done.bytes += write(&mut entry, &mut tree, &compressed, limits, &verdict)
            .map_err(|reason| UnpackError::at(name, &path, reason))?;
        done.entries += 1;
    }
    tree.finish().map_err(of)?;
    // The library keeps only one of several entries with the same name.
    let comment = archive.comment().len() as u64;
    match declared_count(archive.into_inner(), comment) {
        Ok(declared) if usize::from(declared) == count => Ok(done),
        Ok(_) => Err(of(Refused::Duplicates)),
        Err(error) => Err(of(Refused::Read(error))),
    }
}

/// Writes an entry, and returns the number of bytes of its content.
fn write<R: Read>(
    entry: &mut ZipFile<'_, R>,
    tree: &mut Tree,
    compressed: &Cell<u64>,
    limits: &Limits,
    verdict: &Verdict,
) -> Result<u64, Refused> {
    let path = std::str::from_utf8(entry.name_raw()).map_err(|_| Refused::NotUtf8)?;
    let at = Inside::of(Utf8Path::new(path))?;
    let mode = entry.unix_mode().unwrap_or_default();
    match mode & KIND {
        LINK => return Err(Refused::Special("symbolic link in a zip archive")),
        0 | REGULAR | DIRECTORY => {}
        _ => return Err(Refused::Special("special file")),
    }
    if entry.is_dir() {
        tree.dir(&at, MTIME)?;
        return Ok(0);
    }
    let size = entry.size();
    let read = || compressed.get();
    let mut content = Guarded::new(entry, &read, limits, verdict);
    let failed = |error: &io::Error| verdict.reason(error);
    tree.file(&at, mode & 0o100 != 0, MTIME, size, &mut content, &failed)?;
    // The library compares the checksum when it reads the end.
    match content.read(&mut [0]) {
        Ok(0) => Ok(size),
        Ok(_) => Err(Refused::Corrupt("its content is larger than its declared size".to_owned())),
        Err(error) => Err(Refused::Corrupt(error.to_string())),
    }
}

/// Returns the number of entries that the end of the archive declares.
fn declared_count(mut archive: impl Read + Seek, comment: u64) -> io::Result<u16> {
    let size = archive.seek(SeekFrom::End(0))?;
    let at = size.checked_sub(END_RECORD + comment).ok_or(io::ErrorKind::UnexpectedEof)?;
    archive.seek(SeekFrom::Start(at + END_COUNT))?;
    let mut count = [0; 2];
    archive.read_exact(&mut count)?;
    Ok(u16::from_le_bytes(count))
}

fn broken(error: ZipError) -> Refused {
    match error {
        ZipError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Refused::Truncated,
        ZipError::Io(error) => Refused::Read(error),
        other => Refused::Corrupt(other.to_string()),
    }
}
