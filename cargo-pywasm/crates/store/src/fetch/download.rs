//! Downloads a file from a location: sends the requests, resumes incomplete downloads, and checks
//! the size and the digest.
//!
//! An incomplete file is named `<name>.part` and is in the same directory as the final file. It is
//! renamed only after the whole file has been received and hashed.

use std::cell::Cell;
use std::io::{Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;
use indicatif::ProgressBar;
use pywasm_recipes::Digest;
use pywasm_session::display_size;
use pywasm_session::{WithHint, hinted};
use sha2::{Digest as _, Sha256};

use super::error::{Attempt, Failure, FetchError};
use super::http::{Client, Response};
use super::locations::{Location, redacted};
use super::retry::{Retries, Stop, repeat};
use super::{Wanted, unwritable_hint};
use crate::Ctx;

/// Downloads to `path` from the first location that has the file, and returns that location. The
/// caller must hold the lock for this path.
pub(super) fn download<'l>(
    wanted: &Wanted,
    locations: &'l [Location],
    path: &Utf8Path,
    ctx: &Ctx,
    retries: &Retries,
) -> anyhow::Result<&'l Location> {
    let client = Client::new(&ctx.env);
    let mut attempts = Vec::new();
    for location in locations {
        let job = Job::new(wanted, location, path, ctx, &client);
        let retrying = |failure: &Failure| job.retrying(failure);
        match repeat(retries, || job.attempt(), || job.part_len(), retrying) {
            Ok(()) => return Ok(location),
            Err((Stop::Fatal(error), _)) if matches!(*error, FetchError::Store { .. }) => {
                return Err(hinted(*error, unwritable_hint(ctx)));
            }
            Err((Stop::Fatal(error), _)) => return Err((*error).into()),
            Err((Stop::Failed(failure), requests)) => {
                job.remove_empty();
                let (label, url) = (location.label.clone(), redacted(&location.url));
                attempts.push(Attempt { label, url, failure, requests });
            }
        }
    }
    let error = FetchError::Unavailable { file: wanted.file.clone(), attempts };
    Err(error)
        .hint(|| "`cargo pywasm doctor` checks the network; PYWASM_MIRROR sets a mirror".to_owned())
}

/// Downloads a file into memory. Fails if the file is larger than `limit` bytes.
pub(super) fn into_memory(
    url: &str,
    limit: u64,
    ctx: &Ctx,
    retries: &Retries,
) -> Result<Vec<u8>, FetchError> {
    let client = Client::new(&ctx.env);
    let attempt = || -> Result<Vec<u8>, Stop> {
        let Some(response) = client.get(url, 0)? else {
            return Err(Failure::Refused("no such range".to_owned()).into());
        };
        if response.total.is_some_and(|total| total > limit) {
            return Err(Failure::TooLarge(limit).into());
        }
        let mut bytes = Vec::new();
        let read = response.body.take(limit + 1).read_to_end(&mut bytes);
        let count = bytes.len() as u64;
        match read {
            _ if count > limit => Err(Failure::TooLarge(limit).into()),
            Ok(_) if response.total.is_none_or(|total| total == count) => Ok(bytes),
            _ => Err(Failure::Broken(count).into()),
        }
    };
    repeat(retries, attempt, || 0, |_| ()).map_err(|(stop, requests)| match stop {
        Stop::Fatal(error) => *error,
        Stop::Failed(failure) => {
            let attempt =
                Attempt { label: "source".to_owned(), url: redacted(url), failure, requests };
            let file = url.rsplit('/').next().unwrap_or(url).to_owned();
            FetchError::Unavailable { file, attempts: vec![attempt] }
        }
    })
}

/// Returns the path of the incomplete file.
fn part_of(path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}.part"))
}

/// The download of one file from one location.
struct Job<'a> {
    wanted: &'a Wanted,
    location: &'a Location,
    path: &'a Utf8Path,
    part: Utf8PathBuf,
    ctx: &'a Ctx,
    client: &'a Client<'a>,
    announced: Cell<bool>,
}

impl<'a> Job<'a> {
    fn new(
        wanted: &'a Wanted,
        location: &'a Location,
        path: &'a Utf8Path,
        ctx: &'a Ctx,
        client: &'a Client<'a>,
    ) -> Self {
        let part = part_of(path);
        Self { wanted, location, path, part, ctx, client, announced: Cell::new(false) }
    }

    fn retrying(&self, failure: &Failure) {
        self.ctx.reporter.status("Retrying", format!("{}: {failure}", self.wanted.file));
    }

    /// Removes the incomplete file if it is empty.
    fn remove_empty(&self) {
        if self.part_len() == 0 {
            let _ = self.remove();
        }
    }

    fn part_len(&self) -> u64 {
        fs_err::metadata(&self.part).map_or(0, |meta| meta.len())
    }

    /// Sends one request, or none if an earlier run already received the whole file.
    fn attempt(&self) -> Result<(), Stop> {
        let mut file = self.open()?;
        let mut hash = Sha256::new();
        let kept = self.kept(&mut file, &mut hash)?;
        if kept > 0 && Some(kept) == self.wanted.size {
            // The file already has its full size, probably because an earlier run was killed before
            // it could rename the file.
            if self.finish(&file, hash).is_ok() {
                return Ok(());
            }
            return self.restart();
        }
        let Some(response) = self.client.get(&self.location.url, kept)? else {
            return self.restart();
        };
        let resumed = response.offset > 0;
        if !resumed && kept > 0 {
            self.truncate(&mut file)?;
            hash = Sha256::new();
        }
        let done = self
            .check_size(&response)
            .and_then(|()| self.body(response, &mut file, &mut hash))
            .and_then(|()| self.finish(&file, hash));
        match done {
            // The wrong bytes may come from an earlier run, not from this location.
            Err(Stop::Fatal(error)) if resumed && error.is_mismatch() => self.restart(),
            Err(Stop::Fatal(error)) if error.is_mismatch() => {
                self.remove()?;
                Err(Stop::Fatal(error))
            }
            other => other,
        }
    }

    /// Removes the incomplete file and tries again. The recursion ends because nothing is left to
    /// resume.
    fn restart(&self) -> Result<(), Stop> {
        self.remove()?;
        self.attempt()
    }

    fn open(&self) -> Result<File, Stop> {
        let mut options = fs_err::OpenOptions::new();
        let options = options.create(true).truncate(false).read(true).write(true);
        options.open(&self.part).map_err(|source| self.store(source))
    }

    /// Hashes the incomplete file left by an earlier request and returns its size. A file that is
    /// larger than expected is emptied.
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

    /// Refuses a response if the size that it announces differs from the pinned size.
    fn check_size(&self, response: &Response) -> Result<(), Stop> {
        match (self.wanted.size, response.total) {
            (Some(expected), Some(total)) if expected != total => {
                Err(self.wrong_size(expected, format!("{total} bytes")))
            }
            _ => Ok(()),
        }
    }

    fn body(&self, mut response: Response, file: &mut File, hash: &mut Sha256) -> Result<(), Stop> {
        let total = self.wanted.size.or(response.total);
        let bar = self.announce(total);
        let mut at = response.offset;
        bar.set_position(at);
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = match response.body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Failure::Broken(at).into()),
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
            return Err(Failure::Broken(at).into());
        }
        if !bar.is_hidden() {
            self.ctx.reporter.status("Fetched", self.description(Some(at)));
        }
        Ok(())
    }

    /// Shows a progress bar on a terminal, or prints one status line otherwise.
    fn announce(&self, total: Option<u64>) -> ProgressBar {
        let bar = self.ctx.reporter.bytes(&self.wanted.file, total);
        if bar.is_hidden() && !self.announced.replace(true) {
            self.ctx.reporter.status("Fetching", self.description(total));
        }
        bar
    }

    fn description(&self, size: Option<u64>) -> String {
        let size = size.map(|size| format!(" ({})", display_size(size)));
        format!("{}{} from {}", self.wanted.file, size.unwrap_or_default(), self.location)
    }

    /// Checks the digest and renames the file.
    fn finish(&self, file: &File, hash: Sha256) -> Result<(), Stop> {
        let got = Digest::from_bytes(hash.finalize().into());
        if got != self.wanted.sha256 {
            return Err(FetchError::WrongDigest {
                file: self.wanted.file.clone(),
                url: redacted(&self.location.url),
                expected: self.wanted.sha256,
                got,
            }
            .into());
        }
        // A file under its final name must be complete even after a power failure.
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
            url: redacted(&self.location.url),
            expected,
            got,
        }
        .into()
    }

    fn store(&self, source: std::io::Error) -> Stop {
        FetchError::Store { path: self.part.clone(), source }.into()
    }
}

/// The buffer size. It is large enough that system calls take little time compared with hashing.
const BUFFER: usize = 128 * 1024;
