//! Errors from fetching a file.

use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use pywasm_session::display_size;

use super::locations::Location;

/// The reason why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The received file differs from the pinned one. No other location is tried, because only the
    /// user can decide whether this is an attack or a wrong pin.
    #[error(
        "`{file}` has the wrong SHA-256\n  expected {expected}\n  got      {got}\n  source   {url}"
    )]
    WrongDigest {
        /// The name of the file.
        file: String,
        /// The URL it came from.
        url: String,
        /// The pinned digest.
        expected: Digest,
        /// The digest of the received file.
        got: Digest,
    },
    /// The size of the received file, or the size that the server announced, differs from the
    /// pinned size.
    #[error(
        "`{file}` has the wrong size\n  expected {expected} bytes\n  got      {got}\n  source   {url}"
    )]
    WrongSize {
        /// The name of the file.
        file: String,
        /// The URL it came from.
        url: String,
        /// The pinned size.
        expected: u64,
        /// The observed size as text, such as `17 bytes`, or `more` if the download exceeded the
        /// pinned size and was aborted.
        got: String,
    },
    /// The file is not in the store and the tool is offline.
    #[error("`{file}` is not in the store, and the tool is offline{}", details(*.size, .sha256, .path, .locations))]
    Offline {
        /// The name of the file.
        file: String,
        /// Its digest.
        sha256: Digest,
        /// The size of the file in bytes, if known.
        size: Option<u64>,
        /// Its path in the store.
        path: Utf8PathBuf,
        /// The locations that provide the file.
        locations: Vec<Location>,
    },
    /// The tool is offline, but needs a file that is never stored.
    #[error("{url} is needed, but the tool is offline")]
    OfflineUrl {
        /// The URL of that file.
        url: String,
    },
    /// Every location failed.
    #[error("`{file}` could not be fetched{}", listed(.attempts))]
    Unavailable {
        /// The name of the file.
        file: String,
        /// The locations and their failures, in order.
        attempts: Vec<Attempt>,
    },
    /// A file name that is not a single path component.
    #[error("`{0}` cannot be the name of a file in the store")]
    BadName(String),
    /// A file in the store cannot be written.
    #[error("cannot write `{path}`")]
    Store {
        /// The path of the file.
        path: Utf8PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
}

impl FetchError {
    /// Returns true if the received file differs from the pinned one.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::WrongDigest { .. } | Self::WrongSize { .. })
    }

    /// Returns true if every location reported that it does not have the file.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Unavailable { attempts, .. } => {
                attempts.iter().all(|it| it.failure.is_not_found())
            }
            _ => false,
        }
    }
}

/// A location that was tried, and its failure.
#[derive(Debug)]
pub struct Attempt {
    /// The label of the location.
    pub label: String,
    /// The URL of the file at this location, without a password.
    pub url: String,
    /// The last failure.
    pub failure: Failure,
    /// The number of requests.
    pub requests: usize,
}

/// The failure of one request.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An HTTP status that does not indicate success.
    #[error("HTTP status {code}{}", meaning(*.code))]
    Status {
        /// The status code.
        code: u16,
        /// The value of `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// The connection failed, or broke before the first byte.
    #[error("{0}")]
    Connection(String),
    /// The connection broke after this many bytes, before the end of the file.
    #[error("the connection broke after {0} bytes")]
    Broken(u64),
    /// A failure that a retry cannot fix, such as an invalid URL, certificate or proxy.
    #[error("{0}")]
    Refused(String),
    /// A local file that does not exist.
    #[error("no such file")]
    NoFile,
    /// The file is larger than this limit in bytes.
    #[error("the file is larger than the limit of {0} bytes")]
    TooLarge(u64),
}

impl Failure {
    /// Returns true if a retry may succeed.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500..=599),
            Self::Connection(_) | Self::Broken(_) => true,
            Self::Refused(_) | Self::NoFile | Self::TooLarge(_) => false,
        }
    }

    fn is_not_found(&self) -> bool {
        matches!(self, Self::NoFile | Self::Status { code: 404 | 410, .. })
    }
}

fn meaning(code: u16) -> &'static str {
    match code {
        401 | 407 => " (authentication required)",
        403 => " (forbidden)",
        404 | 410 => " (no such file)",
        429 => " (too many requests)",
        503 => " (unavailable)",
        _ => "",
    }
}

fn details(size: Option<u64>, sha256: &Digest, path: &Utf8Path, locations: &[Location]) -> String {
    let mut text = String::new();
    if let Some(size) = size {
        let _ = write!(text, "\n  size     {size} bytes ({})", display_size(size));
    }
    let _ = write!(text, "\n  sha256   {sha256}\n  path     {path}");
    for location in locations {
        let _ = write!(text, "\n  source   {location}");
    }
    text
}

fn listed(attempts: &[Attempt]) -> String {
    if attempts.is_empty() {
        return ": it has no known location".to_owned();
    }
    attempts.iter().fold(String::new(), |mut text, Attempt { label, url, failure, requests }| {
        let times = if *requests > 1 { format!(", {requests} times") } else { String::new() };
        let _ = write!(text, "\n  {label} {url}{times}: {failure}");
        text
    })
}
