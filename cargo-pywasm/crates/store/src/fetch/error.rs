//! Why a file could not be had, told apart so that callers and tests can.

use std::fmt::Write as _;

use camino::Utf8PathBuf;
use pywasm_recipes::Digest;

use super::megabytes;

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// What came is not what is pinned. No other place is asked: this is either an
    /// attack or a wrong pin, and both want a person.
    #[error(
        "`{file}` has the wrong SHA-256\n  expected {expected}\n  got      {got}\n  source   {url}"
    )]
    WrongDigest {
        /// The file.
        file: String,
        /// Where it came from.
        url: String,
        /// The pinned digest.
        expected: Digest,
        /// The digest of what came.
        got: Digest,
    },
    /// What came, or what the server said it would send, has another size than is pinned.
    #[error(
        "`{file}` has the wrong size\n  expected {expected} bytes\n  got      {got}\n  source   {url}"
    )]
    WrongSize {
        /// The file.
        file: String,
        /// Where it came from.
        url: String,
        /// The pinned size.
        expected: u64,
        /// The size that was seen: `17 bytes`, `more`.
        got: String,
    },
    /// The network may not be used and the store does not have it.
    #[error("`{file}` is not in the store, and the network may not be used{}", missing(*.size, .sha256, .path, .places))]
    Offline {
        /// The file.
        file: String,
        /// Its digest.
        sha256: Digest,
        /// Its size, where it is known.
        size: Option<u64>,
        /// Where in the store it would be.
        path: Utf8PathBuf,
        /// The places that would be asked.
        places: Vec<String>,
    },
    /// The network may not be used and the file is one that is never stored.
    #[error("{url} would have to be asked, and the network may not be used")]
    OfflineUrl {
        /// What would be asked.
        url: String,
    },
    /// Every place was asked.
    #[error("`{file}` could not be fetched{}", listed(.tried))]
    Nowhere {
        /// The file.
        file: String,
        /// The places and what each said, in order.
        tried: Vec<Tried>,
    },
    /// A file name that is not one path component.
    #[error("`{0}` can't be the name of a file in the store")]
    BadName(String),
    /// The store can't be written.
    #[error("can't write `{path}`")]
    Store {
        /// The file that was written.
        path: Utf8PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl FetchError {
    /// Whether what came is something else than what is pinned.
    #[must_use]
    pub fn is_other_content(&self) -> bool {
        matches!(self, Self::WrongDigest { .. } | Self::WrongSize { .. })
    }

    /// Whether every place that was asked says that it has no such file.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Nowhere { tried, .. } => tried.iter().all(|tried| tried.said.is_not_found()),
            _ => false,
        }
    }
}

/// A place that was asked, and its answer.
#[derive(Debug)]
pub struct Tried {
    /// The place's label.
    pub label: String,
    /// Its URL, without a password.
    pub url: String,
    /// What it said last.
    pub said: Said,
    /// How often it was asked.
    pub attempts: usize,
}

/// What a place said instead of sending the file.
#[derive(Debug, thiserror::Error)]
pub enum Said {
    /// An HTTP status that is not success.
    #[error("HTTP status {code}{}", meaning(*.code))]
    Status {
        /// The code.
        code: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// The connection could not be made or broke.
    #[error("{0}")]
    Connection(String),
    /// The connection ended before the file did.
    #[error("the connection broke after {0} bytes")]
    Broken(u64),
    /// Something that asking again won't change: a bad URL, certificate or proxy.
    #[error("{0}")]
    Refused(String),
    /// There is no such local file.
    #[error("no such file")]
    NoFile,
    /// It sends more than may be taken.
    #[error("it is larger than {0} bytes, which is as much as is taken")]
    TooLarge(u64),
}

impl Said {
    /// Whether asking again may help.
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
        401 | 407 => " (who asks is not known there)",
        403 => " (forbidden)",
        404 | 410 => " (no such file)",
        429 => " (too many requests)",
        503 => " (unavailable)",
        _ => "",
    }
}

fn missing(size: Option<u64>, sha256: &Digest, path: &Utf8PathBuf, places: &[String]) -> String {
    let mut text = String::new();
    if let Some(size) = size {
        let _ = write!(text, "\n  size     {size} bytes ({})", megabytes(size));
    }
    let _ = write!(text, "\n  sha256   {sha256}\n  stored   {path}");
    for place in places {
        let _ = write!(text, "\n  place    {place}");
    }
    text
}

fn listed(tried: &[Tried]) -> String {
    if tried.is_empty() {
        return ": no place is known for it".to_owned();
    }
    tried.iter().fold(String::new(), |mut text, Tried { label, url, said, attempts }| {
        let times = if *attempts > 1 { format!(", {attempts} times") } else { String::new() };
        let _ = write!(text, "\n  {label} {url}{times}: {said}");
        text
    })
}
