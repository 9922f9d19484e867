//! Fetches files that are known by their SHA-256: the store first, then each
//! place in turn, with resume and retry.
//!
//! It never trusts a file whose digest it has not computed itself, never goes on
//! to another place after a wrong digest, and never unpacks anything.

mod download;
mod error;
mod http;
mod places;
mod proxy;

pub use error::{FetchError, Said, Tried};
pub use http::Retries;
pub use places::{Place, mirror_places, places};

use std::io::{ErrorKind, Read};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Artifact, Digest};
use sha2::{Digest as _, Sha256};

use crate::Bucket;
use crate::Ctx;
use pywasm_session::WithHint;

/// What is wanted: a file known by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The file name, for the store and for messages. One path component.
    pub file: String,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// Size in bytes, where it is known: a wrong size stops a download early.
    pub size: Option<u64>,
}

impl From<&Artifact> for Wanted {
    fn from(artifact: &Artifact) -> Self {
        Self { file: artifact.file.clone(), sha256: artifact.sha256, size: artifact.size }
    }
}

/// A file in the store whose digest was checked. Only [`fetch`] makes one, so
/// nothing can be unpacked that was not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    path: Utf8PathBuf,
    wanted: Wanted,
    from: String,
}

impl Verified {
    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// What was asked for and what this is.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The URL it came from in this run, or `store`.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }
}

/// The wanted file, from the store or from the first place that has it.
///
/// # Errors
/// [`FetchError`] when it is missing offline, when no place has it, or when what
/// came is not it; anything else when the store can't be used.
pub fn fetch(wanted: &Wanted, places: &[Place], ctx: &Ctx) -> anyhow::Result<Verified> {
    fetch_with(wanted, places, ctx, &Retries::default())
}

/// [`fetch`] with other pauses between attempts, for tests.
///
/// # Errors
/// Those of [`fetch`].
pub fn fetch_with(
    wanted: &Wanted,
    places: &[Place],
    ctx: &Ctx,
    retries: &Retries,
) -> anyhow::Result<Verified> {
    if !is_plain_name(&wanted.file) {
        return Err(FetchError::BadName(wanted.file.clone()).into());
    }
    let path = ctx.store.download(&wanted.sha256, &wanted.file);
    let verified =
        |from: &str| Verified { path: path.clone(), wanted: wanted.clone(), from: from.to_owned() };
    // Without the lock: a file appears by rename, and a store may be read-only.
    if hash_of(&path)? == Some(wanted.sha256) {
        return Ok(verified("store"));
    }
    if ctx.offline {
        return Err(offline(wanted, &path, places));
    }
    let key = path.file_name().context("a download has a name")?;
    let unwritable = || unwritable_hint(ctx);
    ctx.store.ensure(Bucket::Downloads).hint(unwritable)?;
    let _lock = ctx.store.lock(&format!("download-{key}"), &ctx.reporter).hint(unwritable)?;
    match hash_of(&path)? {
        // Another process fetched it while this one waited.
        Some(found) if found == wanted.sha256 => return Ok(verified("store")),
        Some(found) => {
            ctx.reporter.warn(format!(
                "`{path}` is corrupt (SHA-256 {found}): it is removed and fetched again"
            ));
            fs_err::remove_file(&path).hint(unwritable)?;
        }
        None => {}
    }
    let place = download::download(wanted, places, &path, ctx, retries)?;
    Ok(verified(&place.url))
}

/// A file whose digest nobody knows beforehand, such as a signed release file, at
/// most `limit` bytes of it. Nothing is kept, and the caller verifies a signature.
///
/// # Errors
/// [`FetchError`] when offline, or when the file can't be had or is larger than `limit`.
pub fn download_unverified(url: &str, limit: u64, ctx: &Ctx) -> anyhow::Result<Vec<u8>> {
    download_unverified_with(url, limit, ctx, &Retries::default())
}

/// [`download_unverified`] with other pauses between attempts, for tests.
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
        return Err(FetchError::OfflineUrl { url: places::shown(url) }.into());
    }
    Ok(download::into_memory(url, limit, ctx, retries)?)
}

/// Whether there is a road to the server of a URL; what it has is not asked.
///
/// # Errors
/// What stands in the way, in one line.
pub fn reachable(url: &str, ctx: &Ctx) -> Result<(), String> {
    http::Client::new(&ctx.env).knock(url).map_err(|said| said.to_string())
}

/// The SHA-256 of what is read, to its end.
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

/// The digest of a stored file, when there is one.
fn hash_of(path: &Utf8Path) -> anyhow::Result<Option<Digest>> {
    match fs_err::File::open(path) {
        Ok(file) => Ok(Some(sha256_of(file)?)),
        // A store that is no directory is told by what makes it, with a hint.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// A name that stays in its directory. Names come from package indexes, too.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.chars().any(|c| matches!(c, '/' | '\\') || c.is_control())
}

fn offline(wanted: &Wanted, path: &Utf8Path, places: &[Place]) -> anyhow::Error {
    let error = FetchError::Offline {
        file: wanted.file.clone(),
        sha256: wanted.sha256,
        size: wanted.size,
        path: path.to_owned(),
        places: places.iter().map(Place::to_string).collect(),
    };
    let hint = || format!("run once without --offline, or put the file at `{path}`");
    Err::<(), _>(error).hint(hint).expect_err("it was an error")
}

/// What to do when the store can't be written.
fn unwritable_hint(ctx: &Ctx) -> String {
    format!(
        "make room or permission for `{}`, or set PYWASM_STORE to a directory that has both",
        ctx.store.bucket(Bucket::Downloads)
    )
}

/// `23.2 MB`.
fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_directory_are_refused() {
        for name in ["", ".", "..", "a/b", "/a", "a\\b", ".hidden", "a\nb"] {
            assert!(!is_plain_name(name), "{name:?}");
        }
        assert!(is_plain_name("clang-22_1%3a22.1.8-1~deb12u1_amd64.deb"));
    }

    #[test]
    fn sizes_are_written_for_people() {
        assert_eq!(megabytes(999), "999 B");
        assert_eq!(megabytes(1_500), "1.5 kB");
        assert_eq!(megabytes(23_160_540), "23.2 MB");
    }
}
