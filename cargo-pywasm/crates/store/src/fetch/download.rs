//! From a place to a file: attempts, resuming, counting, hashing.
//!
//! What is not whole is called `<name>.part` beside the final name. It is never
//! opened for use: it is continued, hashed whole, and renamed, or removed.

use std::cell::Cell;
use std::io::{Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;
use indicatif::ProgressBar;
use pywasm_recipes::Digest;
use sha2::{Digest as _, Sha256};

use super::error::{FetchError, Said, Tried};
use super::http::{Answer, Client, Retries};
use super::places::{Place, shown};
use super::{Wanted, megabytes, unwritable_hint};
use crate::Ctx;
use pywasm_session::WithHint;

/// Why an attempt ended without the file.
enum Stop {
    /// The place has no more to say, or says it again later.
    Said(Said),
    /// Nothing is asked any more.
    Fatal(Box<FetchError>),
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Fatal(Box::new(error))
    }
}

impl From<Said> for Stop {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

/// Downloads to `path`, whose lock the caller holds, and says which place had it.
pub(super) fn download<'p>(
    wanted: &Wanted,
    places: &'p [Place],
    path: &Utf8Path,
    ctx: &Ctx,
    retries: &Retries,
) -> anyhow::Result<&'p Place> {
    let client = Client::new(&ctx.env);
    let mut tried = Vec::new();
    for place in places {
        let job = Job::new(wanted, place, path, ctx, &client);
        match attempts(retries, || job.attempt(), || job.part_len(), |said| job.again(said)) {
            Ok(()) => return Ok(place),
            Err((Stop::Fatal(error), _)) if matches!(*error, FetchError::Store { .. }) => {
                return Err::<&Place, _>(*error).hint(|| unwritable_hint(ctx));
            }
            Err((Stop::Fatal(error), _)) => return Err((*error).into()),
            Err((Stop::Said(said), attempts)) => {
                job.remove_empty();
                tried.push(Tried {
                    label: place.label.clone(),
                    url: shown(&place.url),
                    said,
                    attempts,
                });
            }
        }
    }
    Err::<&Place, _>(FetchError::Nowhere { file: wanted.file.clone(), tried }).hint(|| {
        "a mirror can be named with PYWASM_MIRROR; `cargo pywasm doctor` looks at the network"
            .to_owned()
    })
}

/// Downloads into memory, at most `limit` bytes.
pub(super) fn into_memory(
    url: &str,
    limit: u64,
    ctx: &Ctx,
    retries: &Retries,
) -> Result<Vec<u8>, FetchError> {
    let client = Client::new(&ctx.env);
    let attempt = || -> Result<Vec<u8>, Stop> {
        let Some(answer) = client.get(url, 0)? else {
            return Err(Said::Refused("no such range".to_owned()).into());
        };
        if answer.total.is_some_and(|total| total > limit) {
            return Err(Said::TooLarge(limit).into());
        }
        let mut bytes = Vec::new();
        let read = answer.body.take(limit + 1).read_to_end(&mut bytes);
        let count = bytes.len() as u64;
        match read {
            _ if count > limit => Err(Said::TooLarge(limit).into()),
            Ok(_) if answer.total.is_none_or(|total| total == count) => Ok(bytes),
            _ => Err(Said::Broken(count).into()),
        }
    };
    attempts(retries, attempt, || 0, |_| ()).map_err(|(stop, attempts)| match stop {
        Stop::Fatal(error) => *error,
        Stop::Said(said) => FetchError::Nowhere {
            file: url.rsplit('/').next().unwrap_or(url).to_owned(),
            tried: vec![Tried { label: "asked".to_owned(), url: shown(url), said, attempts }],
        },
    })
}

/// Repeats an attempt while that may help. One that got further than any before
/// does not count: a connection that breaks every ten megabytes gets there, too.
fn attempts<T>(
    retries: &Retries,
    mut attempt: impl FnMut() -> Result<T, Stop>,
    reached: impl Fn() -> u64,
    again: impl Fn(&Said),
) -> Result<T, (Stop, usize)> {
    let mut failed = 0;
    let mut furthest = reached();
    for number in 1.. {
        let said = match attempt() {
            Ok(value) => return Ok(value),
            Err(Stop::Said(said)) if said.is_transient() => said,
            Err(stop) => return Err((stop, number)),
        };
        if reached() > furthest {
            furthest = reached();
            failed = 0;
        }
        let Some(pause) = retries.pause(failed, &said) else {
            return Err((Stop::Said(said), number));
        };
        failed += 1;
        again(&said);
        std::thread::sleep(pause);
    }
    unreachable!("the pauses are used up before the numbers are")
}

/// `<name>.part` beside the final name.
fn part_of(path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}.part"))
}

/// One file from one place.
struct Job<'a> {
    wanted: &'a Wanted,
    place: &'a Place,
    path: &'a Utf8Path,
    part: Utf8PathBuf,
    ctx: &'a Ctx,
    client: &'a Client<'a>,
    announced: Cell<bool>,
}

impl<'a> Job<'a> {
    fn new(
        wanted: &'a Wanted,
        place: &'a Place,
        path: &'a Utf8Path,
        ctx: &'a Ctx,
        client: &'a Client<'a>,
    ) -> Self {
        Self { wanted, place, path, part: part_of(path), ctx, client, announced: Cell::new(false) }
    }

    /// Says that it is tried once more, and why.
    fn again(&self, said: &Said) {
        self.ctx.reporter.status("Retrying", format!("{}: {said}", self.wanted.file));
    }

    /// What no byte was written to is not worth keeping.
    fn remove_empty(&self) {
        if self.part_len() == 0 {
            let _ = self.remove();
        }
    }

    fn part_len(&self) -> u64 {
        fs_err::metadata(&self.part).map_or(0, |meta| meta.len())
    }

    /// One request, or none when the part is whole already.
    fn attempt(&self) -> Result<(), Stop> {
        let mut file = self.open()?;
        let mut hash = Sha256::new();
        let kept = self.kept(&mut file, &mut hash)?;
        if kept > 0 && Some(kept) == self.wanted.size {
            // Killed between the last byte and the rename.
            if self.finish(&file, hash).is_ok() {
                return Ok(());
            }
            return self.afresh();
        }
        let Some(answer) = self.client.get(&self.place.url, kept)? else {
            return self.afresh();
        };
        let resumed = answer.offset > 0;
        if !resumed && kept > 0 {
            self.truncate(&mut file)?;
            hash = Sha256::new();
        }
        let done = self
            .expected(&answer)
            .and_then(|()| self.body(answer, &mut file, &mut hash))
            .and_then(|()| self.finish(&file, hash));
        match done {
            // The fault may lie in what an earlier run left, not in this place.
            Err(Stop::Fatal(error)) if resumed && error.is_other_content() => self.afresh(),
            Err(Stop::Fatal(error)) if error.is_other_content() => {
                self.remove()?;
                Err(Stop::Fatal(error))
            }
            other => other,
        }
    }

    /// Once more without what is there; it can't come back here.
    fn afresh(&self) -> Result<(), Stop> {
        self.remove()?;
        self.attempt()
    }

    fn open(&self) -> Result<File, Stop> {
        let mut options = fs_err::OpenOptions::new();
        let options = options.create(true).truncate(false).read(true).write(true);
        options.open(&self.part).map_err(|source| self.store(source))
    }

    /// Hashes what an earlier attempt left, and says how much it is.
    fn kept(&self, file: &mut File, hash: &mut Sha256) -> Result<u64, Stop> {
        let mut buffer = vec![0; BUFFER];
        let mut kept = 0;
        loop {
            match file.read(&mut buffer).map_err(|source| self.store(source))? {
                0 => break,
                count => {
                    hash.update(&buffer[..count]);
                    kept += count as u64;
                }
            }
        }
        if self.wanted.size.is_some_and(|size| kept > size) {
            self.truncate(file)?;
            *hash = Sha256::new();
            return Ok(0);
        }
        Ok(kept)
    }

    /// Refuses an answer that says beforehand that it is something else.
    fn expected(&self, answer: &Answer) -> Result<(), Stop> {
        match (self.wanted.size, answer.total) {
            (Some(expected), Some(total)) if expected != total => {
                Err(self.wrong_size(expected, format!("{total} bytes")))
            }
            _ => Ok(()),
        }
    }

    fn body(&self, mut answer: Answer, file: &mut File, hash: &mut Sha256) -> Result<(), Stop> {
        let total = self.wanted.size.or(answer.total);
        let bar = self.announce(total);
        let mut at = answer.offset;
        bar.set_position(at);
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = match answer.body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Said::Broken(at).into()),
            };
            at += count as u64;
            match self.wanted.size {
                Some(size) if at > size => {
                    return Err(self.wrong_size(size, "more".to_owned()));
                }
                _ => {}
            }
            file.write_all(&buffer[..count]).map_err(|source| self.store(source))?;
            hash.update(&buffer[..count]);
            bar.set_position(at);
        }
        bar.finish_and_clear();
        if total.is_some_and(|total| at < total) {
            return Err(Said::Broken(at).into());
        }
        if !bar.is_hidden() {
            self.ctx.reporter.status("Fetched", self.description(Some(at)));
        }
        Ok(())
    }

    /// A bar on a terminal, a line elsewhere.
    fn announce(&self, total: Option<u64>) -> ProgressBar {
        let bar = self.ctx.reporter.bytes(&self.wanted.file, total);
        if bar.is_hidden() && !self.announced.replace(true) {
            self.ctx.reporter.status("Fetching", self.description(total));
        }
        bar
    }

    fn description(&self, size: Option<u64>) -> String {
        let size = size.map(|size| format!(" ({})", megabytes(size))).unwrap_or_default();
        format!("{}{size} from {}", self.wanted.file, self.place)
    }

    /// The digest decides; then the file gets its name.
    fn finish(&self, file: &File, hash: Sha256) -> Result<(), Stop> {
        let got = Digest::from_bytes(hash.finalize().into());
        if got != self.wanted.sha256 {
            return Err(FetchError::WrongDigest {
                file: self.wanted.file.clone(),
                url: shown(&self.place.url),
                expected: self.wanted.sha256,
                got,
            }
            .into());
        }
        // The name promises the content, after a power failure, too.
        file.sync_data().map_err(|source| self.store(source))?;
        fs_err::rename(&self.part, self.path).map_err(|source| self.store(source))
    }

    fn truncate(&self, file: &mut File) -> Result<(), Stop> {
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .map(|_| ())
            .map_err(|source| self.store(source))
    }

    fn remove(&self) -> Result<(), Stop> {
        match fs_err::remove_file(&self.part) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(self.store(source)),
            _ => Ok(()),
        }
    }

    fn wrong_size(&self, expected: u64, got: String) -> Stop {
        FetchError::WrongSize {
            file: self.wanted.file.clone(),
            url: shown(&self.place.url),
            expected,
            got,
        }
        .into()
    }

    fn store(&self, source: std::io::Error) -> Stop {
        FetchError::Store { path: self.part.clone(), source }.into()
    }
}

/// Large enough that system calls do not count beside hashing.
const BUFFER: usize = 128 * 1024;
