//! Unpacks tar archives. Each entry is checked before it is written.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use camino::{Utf8Path, Utf8PathBuf};
use tar::{Archive, Entry, EntryType};

use super::Unpacked;
use super::error::{Refused, UnpackError};
use super::guard::{Guarded, Limits, MAX_HEADER, Verdict};
use super::stream::{Counted, decompressed};
use super::tree::{Inside, Tree};

/// A function that maps the path of an entry to its path in the target directory, or to `None` to
/// leave the entry out.
pub(super) type Map<'a> = dyn FnMut(&Utf8Path) -> Result<Option<Utf8PathBuf>, Refused> + 'a;

/// Strips the first components of a path.
///
/// # Errors
/// When the path has no other components. The caller ignores this error for directories, but not
/// for files, because no file may be lost.
pub(super) fn stripped(path: &Utf8Path, strip: usize) -> Result<Option<Utf8PathBuf>, Refused> {
    let rest: Utf8PathBuf = path.components().skip(strip).collect();
    // A path that stripping leaves empty is too shallow. Without stripping, an empty path is the
    // root, `./`.
    if strip > 0 && rest.as_str().is_empty() {
        return Err(Refused::TooShallow(strip));
    }
    Ok((!rest.as_str().is_empty()).then_some(rest))
}

/// Unpacks the entries for which `map` returns a path.
pub(super) fn unpack(
    archive: impl Read + Send,
    name: &str,
    into: &Utf8Path,
    map: &mut Map<'_>,
    limits: &Limits,
) -> Result<Unpacked, UnpackError> {
    let (counted, compressed) = Counted::new(archive);
    let compressed = || compressed.load(Ordering::Relaxed);
    let verdict = Verdict::default();
    let data = decompressed(counted).map_err(|reason| UnpackError::of(name, reason))?;
    let guarded = Guarded::new(data, &compressed, limits, &verdict);
    let mut job =
        Job { name, verdict: &verdict, tree: Tree::new(into), done: Unpacked::default(), map };
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
    map: &'a mut Map<'p>,
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
        // The unread rest of the previous entry. `entries.next()` skips it and reads the next
        // headers, so the budget has to cover both.
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
                // `Entry::size` includes the holes of a sparse file, which the archive does not
                // contain.
                EntryType::GNUSparse => entry.header().entry_size().unwrap_or(0),
                _ => entry.size(),
            };
            let before = verdict.bytes_read();
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            self.entry(&mut entry).map_err(|reason| UnpackError::at(self.name, &path, reason))?;
            left = size.saturating_sub(verdict.bytes_read() - before);
        }
        // A complete archive ends with a marker. If the data ended before a marker was found,
        // entries may be missing.
        if verdict.has_ended() {
            return Err(UnpackError::of(self.name, Refused::Truncated));
        }
        Ok(())
    }

    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), Refused> {
        let mut kind = entry.header().entry_type();
        // Old archives have no entry type for directories.
        if kind.is_file() && entry.path_bytes().ends_with(b"/") {
            kind = EntryType::Directory;
        }
        // git-archive writes a comment as an entry of this type, which is not a file.
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let path = utf8(&entry.path_bytes())?;
        let inside = match Inside::of(&path) {
            Ok(inside) => inside,
            // An invalid path does not matter if the entry is left out.
            Err(refused) => {
                return if (self.map)(&path)?.is_some() { Err(refused) } else { Ok(()) };
            }
        };
        let to = match (self.map)(inside.path()) {
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
                match (self.map)(inside.path())? {
                    Some(target) => self.tree.hard_link(&to, &Inside::of(&target)?)?,
                    None => return Err(Refused::HardLinkToNothing(target.into_string())),
                }
            }
            other => return Err(Refused::Special(special(other))),
        }
        self.done.entries += 1;
        Ok(())
    }

    /// Refuses anything but padding after the end marker.
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

/// The PAX records that the `tar` crate does not interpret.
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
                    // The value is in seconds, may have a fraction and may be negative (POSIX,
                    // `pax`).
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
        _ => "special file of an unknown kind",
    }
}
