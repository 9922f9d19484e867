//! A tar archive, entry by entry, each one checked before it is written.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use camino::{Utf8Path, Utf8PathBuf};
use tar::{Archive, Entry, EntryType};

use super::Unpacked;
use super::error::{Refused, UnpackError};
use super::guard::{Guarded, Limits, MAX_HEADER, Verdict};
use super::stream::{Counted, decompressed};
use super::tree::{Inside, Tree};

/// Where an entry goes, or that it is left out.
pub(super) type Place<'a> = dyn FnMut(&Utf8Path) -> Result<Option<Utf8PathBuf>, Refused> + 'a;

/// A path without its first components. That a directory has no more than those is
/// usual; a file that has not would be lost.
pub(super) fn stripped(path: &Utf8Path, strip: usize) -> Result<Option<Utf8PathBuf>, Refused> {
    let rest: Utf8PathBuf = path.components().skip(strip).collect();
    // With nothing to drop, nothing is too shallow: `./` is the root itself.
    if strip > 0 && rest.as_str().is_empty() {
        return Err(Refused::TooShallow(strip));
    }
    Ok((!rest.as_str().is_empty()).then_some(rest))
}

/// Unpacks what `place` finds a place for.
pub(super) fn unpack(
    archive: impl Read + Send,
    name: &str,
    into: &Utf8Path,
    place: &mut Place<'_>,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let (counted, taken) = Counted::new(archive);
    let taken = || taken.load(Ordering::Relaxed);
    let verdict = Verdict::default();
    let data = decompressed(counted).map_err(|reason| UnpackError::of(name, reason))?;
    let guarded = Guarded::new(data, &taken, limits, &verdict);
    let mut job =
        Job { name, verdict: &verdict, tree: Tree::new(into), done: Unpacked::default(), place };
    let mut archive = Archive::new(guarded);
    job.entries(&mut archive, limits)?;
    job.rest(&mut archive.into_inner())?;
    job.tree.finish().map_err(|reason| UnpackError::of(name, reason))?;
    Ok(job.done)
}

struct Job<'a, 'p> {
    name: &'a str,
    verdict: &'a Verdict,
    tree: Tree,
    done: Unpacked,
    place: &'a mut Place<'p>,
}

impl Job<'_, '_> {
    fn entries(
        &mut self,
        archive: &mut Archive<impl Read>,
        limits: &Limits,
    ) -> Result<(), UnpackError> {
        let verdict = self.verdict;
        let broken = |error: io::Error| UnpackError::of(self.name, verdict.reason(&error));
        let mut seen = 0u64;
        let mut entries = archive.entries().map_err(broken)?;
        // What is left of the entry before is skipped together with the next headers.
        let mut left = 0u64;
        loop {
            verdict.set_budget(left.checked_add(MAX_HEADER));
            let Some(entry) = entries.next() else { break };
            let mut entry = entry.map_err(|e| UnpackError::of(self.name, verdict.reason(&e)))?;
            verdict.set_budget(None);
            seen += 1;
            if seen > limits.max_entries {
                let reason = Refused::TooManyEntries(limits.max_entries);
                return Err(UnpackError::of(self.name, reason));
            }
            let size = match entry.header().entry_type() {
                // What it says is the size with the holes, which are not in the archive.
                EntryType::GNUSparse => entry.header().entry_size().unwrap_or(0),
                _ => entry.size(),
            };
            let before = verdict.given();
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            self.entry(&mut entry).map_err(|reason| UnpackError::at(self.name, &path, reason))?;
            left = size.saturating_sub(verdict.given() - before);
        }
        // The end is marked: data that just stops has lost something.
        if verdict.has_ended() {
            return Err(UnpackError::of(self.name, Refused::Truncated));
        }
        Ok(())
    }

    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), Refused> {
        let mut kind = entry.header().entry_type();
        // The way of archives from before there was a type for directories.
        if kind.is_file() && entry.path_bytes().ends_with(b"/") {
            kind = EntryType::Directory;
        }
        // Comments of git-archive: not an entry.
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let path = utf8(&entry.path_bytes())?;
        let inside = match Inside::of(&path) {
            Ok(inside) => inside,
            // Left out, it may lead anywhere.
            Err(refused) => {
                return if (self.place)(&path)?.is_some() { Err(refused) } else { Ok(()) };
            }
        };
        let to = match (self.place)(inside.path()) {
            Ok(Some(to)) => to,
            Ok(None) => return Ok(()),
            Err(Refused::TooShallow(_)) if kind.is_dir() => return Ok(()),
            Err(refused) => return Err(refused),
        };
        let to = Inside::of(&to)?;
        let pax = Pax::of(entry)?;
        let mtime = match pax.mtime {
            Some(mtime) => mtime,
            None => entry.header().mtime().map_err(|e| Refused::Corrupt(e.to_string()))?,
        };
        match kind {
            EntryType::Directory => self.tree.dir(&to, mtime)?,
            EntryType::Regular | EntryType::Continuous => {
                if pax.sparse {
                    return Err(Refused::Special("sparse file"));
                }
                let mode = entry.header().mode().map_err(|e| Refused::Corrupt(e.to_string()))?;
                let size = entry.size();
                let verdict = self.verdict;
                let failed = |error: &io::Error| verdict.reason(error);
                self.tree.file(&to, mode & 0o100 != 0, mtime, size, entry, &failed)?;
                self.done.bytes += size;
            }
            EntryType::Symlink => self.tree.symlink(&to, utf8(&target(entry)?)?.as_str())?,
            EntryType::Link => {
                let target = utf8(&target(entry)?)?;
                let inside = Inside::of(&target)?;
                match (self.place)(inside.path())? {
                    Some(target) => self.tree.hard_link(&to, &Inside::of(&target)?)?,
                    None => return Err(Refused::HardLinkToNothing(target.into_string())),
                }
            }
            other => return Err(Refused::Special(special(other))),
        }
        self.done.entries += 1;
        Ok(())
    }

    /// After the end there is padding, and nothing else.
    fn rest(&self, data: &mut impl Read) -> Result<(), UnpackError> {
        self.verdict.set_budget(None);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match data.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) if buffer[..count].iter().all(|&byte| byte == 0) => {}
                Ok(_) => return Err(UnpackError::of(self.name, Refused::TrailingGarbage)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let reason = match self.verdict.reason(&error) {
                        Refused::Corrupt(_) => Refused::TrailingGarbage,
                        other => other,
                    };
                    return Err(UnpackError::of(self.name, reason));
                }
            }
        }
    }
}

/// What PAX records say beyond what the `tar` crate reads from them.
#[derive(Default)]
struct Pax {
    mtime: Option<u64>,
    sparse: bool,
}

impl Pax {
    fn of(entry: &mut Entry<'_, impl Read>) -> Result<Self, Refused> {
        let corrupt = |error: io::Error| Refused::Corrupt(error.to_string());
        let mut pax = Self::default();
        let Some(records) = entry.pax_extensions().map_err(corrupt)? else { return Ok(pax) };
        for record in records {
            let record = record.map_err(corrupt)?;
            match record.key_bytes() {
                b"mtime" => {
                    // Seconds with a fraction, maybe before 1970 (POSIX pax, "mtime").
                    let text = record.value().unwrap_or_default();
                    let seconds = text.split('.').next().unwrap_or_default();
                    pax.mtime = Some(seconds.parse().unwrap_or(0));
                }
                key if key.starts_with(b"GNU.sparse.") => pax.sparse = true,
                _ => {}
            }
        }
        Ok(pax)
    }
}

fn target(entry: &Entry<'_, impl Read>) -> Result<Vec<u8>, Refused> {
    entry.link_name_bytes().map(std::borrow::Cow::into_owned).ok_or(Refused::BadPath)
}

fn utf8(bytes: &[u8]) -> Result<Utf8PathBuf, Refused> {
    std::str::from_utf8(bytes).map(Utf8PathBuf::from).map_err(|_| Refused::NotUtf8)
}

fn special(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Block => "block device",
        EntryType::Char => "character device",
        EntryType::Fifo => "pipe",
        EntryType::GNUSparse => "sparse file",
        _ => "thing of an unknown kind",
    }
}
