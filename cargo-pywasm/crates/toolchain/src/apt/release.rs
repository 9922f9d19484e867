//! A suite's release file: signed by the archive, and the root of all its digests.
//!
//! It is never read before its signature was checked.

use std::time::{SystemTime, UNIX_EPOCH};

use pywasm_recipes::Digest;

use super::signature::verify;
use super::sources::Source;
use super::stanza::stanzas;
use pywasm_store::Ctx;
use pywasm_store::fetch::{Wanted, download_unverified};

/// A release file is 150 KB for all of Debian.
const LIMIT: u64 = 8 << 20;

/// A release file whose signature was checked.
#[derive(Clone, Debug)]
pub struct Release {
    base: String,
    text: String,
}

/// Why a suite can't be trusted or had.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It can't be fetched.
    #[error("{0}")]
    Fetch(String),
    /// There is no program to check it with.
    #[error("neither `gpgv` nor `sqv` is on PATH to check signatures with")]
    NoVerifier,
    /// There are no keys to check it with.
    #[error("no keyring for `{0}` on this machine")]
    NoKeyring(String),
    /// The signature is missing, broken, or not by a key that is trusted for it.
    #[error("the signature of {url} is not good: {said}")]
    BadSignature {
        /// The release file.
        url: String,
        /// The verifier's last words.
        said: String,
    },
    /// A file that has to be written or run can't be.
    #[error("can't check a signature: {0}")]
    Io(#[from] std::io::Error),
}

impl Release {
    /// Fetches and verifies the release file of a suite.
    ///
    /// # Errors
    /// When it can't be had, or its signature is not good.
    pub fn fetch(source: &Source, ctx: &Ctx) -> Result<Self, ReleaseError> {
        let base = format!("{}/dists/{}", source.uri, source.suite);
        let url = format!("{base}/InRelease");
        let signed = download_unverified(&url, LIMIT, ctx)
            .map_err(|error| ReleaseError::Fetch(pywasm_session::one_line(&error)))?;
        let text = verify(&signed, &url, &source.keyring, ctx)?;
        Ok(Self { base, text })
    }

    /// `Debian`, `Ubuntu`: who made the archive.
    #[must_use]
    pub fn origin(&self) -> String {
        self.field("Origin")
    }

    /// A file of the suite, by its digest and where it may be; `None` where the suite has none of
    /// that name. `path` is relative to the suite: `main/binary-amd64/Packages.xz`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<(Wanted, Vec<String>)> {
        let listed = self.field("SHA256");
        let mut words = listed
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find(|words| words.len() == 3 && words[2] == path)?
            .into_iter();
        let sha256: Digest = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let (dir, name) = path.rsplit_once('/')?;
        let plain = format!("{}/{path}", self.base);
        let mut urls = vec![plain];
        if self.field("Acquire-By-Hash") == "yes" {
            // By its digest a file stays what the release says while the mirror is updated;
            // mirrors that copy half of an archive lack these names.
            urls.insert(0, format!("{}/{dir}/by-hash/SHA256/{sha256}", self.base));
        }
        Some((Wanted { file: name.to_owned(), sha256, size: Some(size) }, urls))
    }

    /// The time until which the archive stands by this file, where that is over: an old state
    /// of the archive may be kept from its updates.
    #[must_use]
    pub fn expired(&self, now: SystemTime) -> Option<String> {
        let until = self.field("Valid-Until");
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        (seconds(&until)? < now).then_some(until)
    }

    fn field(&self, name: &str) -> String {
        stanzas(&self.text).find_map(|stanza| stanza.get(name)).unwrap_or_default()
    }
}

/// The time of a release file's field: `Sat, 28 Nov 2026 08:13:45 UTC`, in seconds since 1970.
///
/// Source of the form: Debian's repository format, "Date, Valid-Until".
fn seconds(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, clock, "UTC" | "GMT" | "+0000"] = words.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| name == month)? as u64 + 1;
    let (day, year) = (day.parse::<u64>().ok()?, year.parse::<u64>().ok()?);
    let clock: Vec<u64> =
        clock.split(':').map(|part| part.parse().ok()).collect::<Option<Vec<_>>>()?;
    let [hours, minutes, seconds] = clock.as_slice() else { return None };
    // Years that begin in March end with the leap day. The bounds keep every step positive.
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(by_hash: &str) -> Release {
        let digest = "1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76";
        Release {
            base: "http://mirror.example/debian/dists/s".into(),
            text: format!(
                "Origin: Debian\nAcquire-By-Hash: {by_hash}\nMD5Sum:\n {} 1 main/binary-amd64/Packages.xz\n\
                 SHA256:\n {digest} 99 main/binary-amd64/Packages.xz\n",
                "0".repeat(32)
            ),
        }
    }

    #[test]
    fn a_listed_file_has_digest_size_and_places() {
        let (wanted, urls) = release("yes").file("main/binary-amd64/Packages.xz").unwrap();
        assert_eq!(wanted.size, Some(99));
        assert!(urls[0].ends_with(&format!("main/binary-amd64/by-hash/SHA256/{}", wanted.sha256)));
        assert!(urls[1].ends_with("dists/s/main/binary-amd64/Packages.xz"));
        let (_, urls) = release("no").file("main/binary-amd64/Packages.xz").unwrap();
        assert_eq!(urls.len(), 1);
        assert!(release("no").file("main/binary-arm64/Packages.xz").is_none());
    }

    #[test]
    fn a_release_file_expires_after_its_last_second() {
        let text = "Origin: Debian\nValid-Until: Sat, 28 Nov 2026 08:13:45 UTC\n";
        let release = Release { base: String::new(), text: text.to_owned() };
        let at = |seconds| UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        assert_eq!(release.expired(at(1_795_853_625)), None);
        assert!(release.expired(at(1_795_853_626)).unwrap().contains("28 Nov 2026"));
    }

    #[test]
    fn times_are_read_and_what_is_none_is_not() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 UTC"), Some(0));
        assert_eq!(seconds("Thu, 29 Feb 2024 12:00:00 UTC"), Some(1_709_208_000));
        for text in ["", "soon", "Thu, 01 Jun 1970 00:00 UTC", "Thu, 99 Jan 0 00:00:00 UTC"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
