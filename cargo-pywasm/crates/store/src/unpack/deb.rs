//! Reads the outer layer of a Debian package, which is an ar archive with three members:
//! <https://manpages.debian.org/deb.5>.
//!
//! The `ar` crate is not used, because it trusts the sizes and offsets in headers. A hostile
//! archive can make it panic or allocate gigabytes.

use std::io::{self, Read};

use super::error::Refused;

const MAGIC: &[u8; 8] = b"!<arch>\n";
/// The maximum size of a member that is skipped. Control members are a few kilobytes in size.
const MAX_SKIPPED: u64 = 64 << 20;

/// Finds the data member and returns its compressed content.
pub(super) fn data_member<R: Read>(mut archive: R) -> Result<Data<R>, Refused> {
    let mut magic = [0; MAGIC.len()];
    exactly(&mut archive, &mut magic)?;
    if &magic != MAGIC {
        return Err(Refused::UnknownFormat("not a Debian package"));
    }
    let (name, size) = header(&mut archive)?.ok_or(Refused::Truncated)?;
    if name != "debian-binary" || size > 64 {
        return Err(Refused::UnknownFormat("an ar archive but not a Debian package"));
    }
    let mut version = Vec::new();
    (&mut archive).take(size).read_to_end(&mut version).map_err(Refused::Read)?;
    if !version.starts_with(b"2.") {
        return Err(Refused::UnknownFormat("a Debian package with an unknown format version"));
    }
    skip(&mut archive, size % 2)?;
    let mut control = false;
    loop {
        let (name, size) = header(&mut archive)?.ok_or(Refused::Truncated)?;
        match name.as_str() {
            "data.tar" | "data.tar.gz" | "data.tar.xz" | "data.tar.zst" if control => {
                return Ok(Data { archive, left: size, padding: size % 2 });
            }
            name if name.starts_with("control.tar") && !control => control = true,
            // deb(5) reserves names that begin with an underscore for extensions, which are
            // skipped.
            name if name.starts_with('_') => {}
            name => {
                return Err(Refused::Corrupt(format!("unexpected member `{name}`")));
            }
        }
        if size > MAX_SKIPPED {
            return Err(Refused::TooManyBytes(MAX_SKIPPED));
        }
        skip(&mut archive, size + size % 2)?;
    }
}

/// A reader of the data member. At the member's end, it also checks the rest of the archive.
pub(super) struct Data<R> {
    archive: R,
    left: u64,
    padding: u64,
}

impl<R: Read> Read for Data<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return self.end();
        }
        let count = (&mut self.archive).take(self.left).read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the data member is truncated",
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Data<R> {
    /// Rejects everything after the data member, except extension members.
    fn end(&mut self) -> io::Result<usize> {
        let garbage = || {
            io::Error::new(io::ErrorKind::InvalidData, "unexpected content after the data member")
        };
        let mut padding = vec![0; usize::from(self.padding == 1)];
        // Some writers omit the last padding byte.
        let count = self.archive.read(&mut padding)?;
        self.padding -= count as u64;
        while let Some((name, size)) = header(&mut self.archive).map_err(|_| garbage())? {
            if !name.starts_with('_') || size > MAX_SKIPPED {
                return Err(garbage());
            }
            skip(&mut self.archive, size + size % 2).map_err(|_| garbage())?;
        }
        Ok(0)
    }
}

/// Reads the name and the size of the next member. Returns `None` at the end of the archive.
fn header(archive: &mut impl Read) -> Result<Option<(String, u64)>, Refused> {
    let mut bytes = [0; 60];
    let mut filled = 0;
    while filled < bytes.len() {
        match archive.read(&mut bytes[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(Refused::Truncated),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Refused::Read(error)),
        }
    }
    let corrupt = || Refused::Corrupt("invalid member header".to_owned());
    if bytes[58..] != *b"`\n" {
        return Err(corrupt());
    }
    let text = |range: std::ops::Range<usize>| std::str::from_utf8(&bytes[range]).ok();
    let name = text(0..16).ok_or_else(corrupt)?.trim_end().trim_end_matches('/');
    let size = text(48..58).and_then(|n| n.trim_end().parse().ok()).ok_or_else(corrupt)?;
    Ok(Some((name.to_owned(), size)))
}

fn exactly(archive: &mut impl Read, bytes: &mut [u8]) -> Result<(), Refused> {
    archive.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Refused::Truncated,
        _ => Refused::Read(error),
    })
}

fn skip(archive: &mut impl Read, count: u64) -> Result<(), Refused> {
    let skipped = io::copy(&mut archive.take(count), &mut io::sink()).map_err(Refused::Read)?;
    if skipped < count { Err(Refused::Truncated) } else { Ok(()) }
}
