//! Fetches files that are identified by their SHA-256. A file that is not in the store is
//! downloaded from the first location that has it. A failed request is retried, and the retry
//! resumes the download.
//!
//! This module computes the digest of every file, and a file is used only if this digest matches
//! the expected one. After a mismatch, no other location is tried. This module does not unpack
//! anything.

mod download;
mod error;
mod http;
mod locations;
mod proxy;
mod retry;

pub use error::{Attempt, Failure, FetchError};
pub use locations::{Location, locations, mirror_locations, redacted, upstream};
pub use retry::Retries;

use std::io::{ErrorKind, Read};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Artifact, Digest};
use pywasm_session::{WithHint, hinted};
use sha2::{Digest as _, Sha256};

use crate::{Bucket, Ctx};

/// A file to fetch, identified by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The file name, for the store and for messages: one path component.
    pub file: String,
    /// The SHA-256 of the whole file.
    pub sha256: Digest,
    /// The size in bytes, if known. A download with a different size is aborted.
    pub size: Option<u64>,
}

impl From<&Artifact> for Wanted {
    fn from(artifact: &Artifact) -> Self {
        Self { file: artifact.file.clone(), sha256: artifact.sha256, size: artifact.size }
    }
}

/// A file in the store with a verified digest. Only [`fetch`] creates this type, so nothing
/// unverified can be unpacked.
///
/// The file is not kept open, so another process of the same user can still change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    path: Utf8PathBuf,
    wanted: Wanted,
    from: String,
}

impl Verified {
    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the name, digest and size of the file.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Returns the URL from which this run fetched the file, or the text `store` if the file was
    /// already in the store.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }
}

/// Returns the file from the store, or fetches it from the first location that has it.
///
/// # Errors
/// A [`FetchError`] when the tool is offline and the file is not in the store, when no location has
/// the file, or when the received file is not the expected one. A different error when the store
/// cannot be used.
pub fn fetch(wanted: &Wanted, locations: &[Location], ctx: &Ctx) -> anyhow::Result<Verified> {
    fetch_with(wanted, locations, ctx, &Retries::default())
}

/// Does the same as [`fetch`], but with custom pauses between requests, for tests.
///
/// # Errors
/// Those of [`fetch`].
pub fn fetch_with(
    wanted: &Wanted,
    locations: &[Location],
    ctx: &Ctx,
    retries: &Retries,
) -> anyhow::Result<Verified> {
    if !is_plain_name(&wanted.file) {
        return Err(FetchError::BadName(wanted.file.clone()).into());
    }
    let path = ctx.store.download(&wanted.sha256, &wanted.file);
    let verified =
        |from: &str| Verified { path: path.clone(), wanted: wanted.clone(), from: from.to_owned() };
    // No lock is taken here, because a file appears only when it is complete, and because the store
    // may be read-only.
    if digest_of(&path)? == Some(wanted.sha256) {
        return Ok(verified("store"));
    }
    if ctx.offline {
        return Err(offline(wanted, &path, locations));
    }
    let key = path.file_name().context("the download path has no file name")?;
    let unwritable = || unwritable_hint(ctx);
    ctx.store.ensure(Bucket::Downloads).hint(unwritable)?;
    let _lock = ctx.store.lock(&format!("download-{key}"), &ctx.reporter).hint(unwritable)?;
    match digest_of(&path)? {
        // Another process fetched the file while this one waited for the lock.
        Some(found) if found == wanted.sha256 => return Ok(verified("store")),
        Some(found) => {
            ctx.reporter.warn(format!(
                "`{path}` is corrupt (SHA-256 {found}) and will be removed and fetched again"
            ));
            fs_err::remove_file(&path).hint(unwritable)?;
        }
        None => {}
    }
    let location = download::download(wanted, locations, &path, ctx, retries)?;
    Ok(verified(&location.url))
}

/// Downloads a file whose digest is not known beforehand, such as a signed release file. The file
/// is not stored, and the caller must verify its signature.
///
/// # Errors
/// A [`FetchError`] when the tool is offline, or when the file is unavailable or larger than
/// `limit` bytes.
pub fn download_unverified(url: &str, limit: u64, ctx: &Ctx) -> anyhow::Result<Vec<u8>> {
    download_unverified_with(url, limit, ctx, &Retries::default())
}

/// Does the same as [`download_unverified`], but with custom pauses between requests, for tests.
///
/// # Errors
/// Those of [`download_unverified`].
pub fn download_unverified_with(
    url: &str,
    limit: u64,
    ctx: &Ctx,
    retries: &Retries,
) -> anyhow::Result<Vec<u8>> {
    if ctx.offline {
        return Err(FetchError::OfflineUrl { url: redacted(url) }.into());
    }
    Ok(download::into_memory(url, limit, ctx, retries)?)
}

/// Checks that the server of a URL responds. Any HTTP status counts as a response.
///
/// # Errors
/// The failure of the request.
pub fn reachable(url: &str, ctx: &Ctx) -> Result<(), Failure> {
    http::Client::new(&ctx.env).probe(url)
}

/// Returns the SHA-256 of everything that `input` contains.
///
/// # Errors
/// When reading fails.
pub fn sha256_of(mut input: impl Read) -> std::io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(Digest::from_bytes(hash.finalize().into())),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// Returns the digest of a file in the store, or `None` if the file does not exist.
fn digest_of(path: &Utf8Path) -> anyhow::Result<Option<Digest>> {
    match fs_err::File::open(path) {
        Ok(file) => Ok(Some(sha256_of(file)?)),
        // The path of the store may be that of a file. This is not an error here, because creating
        // the store's directories fails later, with a hint.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns true if joining this name to a directory cannot lead outside that directory. The check
/// is needed because names also come from package indexes.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.chars().any(|c| matches!(c, '/' | '\\') || c.is_control())
}

fn offline(wanted: &Wanted, path: &Utf8Path, locations: &[Location]) -> anyhow::Error {
    let error = FetchError::Offline {
        file: wanted.file.clone(),
        sha256: wanted.sha256,
        size: wanted.size,
        path: path.to_owned(),
        locations: locations.to_vec(),
    };
    hinted(error, format!("run once without --offline, or put the file at `{path}`"))
}

/// Returns the hint for an error about writing to the store.
fn unwritable_hint(ctx: &Ctx) -> String {
    format!(
        "make `{}` writable and free some space, or set PYWASM_STORE to another directory",
        ctx.store.bucket(Bucket::Downloads)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_directories_are_refused() {
        for name in ["", ".", "..", "a/b", "/a", "a\\b", ".hidden", "a\nb"] {
            assert!(!is_plain_name(name), "{name:?}");
        }
        assert!(is_plain_name("clang-22_1%3a22.1.8-1~deb12u1_amd64.deb"));
    }
}
