//! The release file of a suite:
//! <https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files>. The file contains the
//! digests of all indexes and is signed with the archive's key.
//!
//! The file is parsed only after its signature has been verified.

use std::time::{SystemTime, UNIX_EPOCH};

use pywasm_recipes::Digest;
use pywasm_store::Ctx;
use pywasm_store::fetch::{Wanted, download_unverified};

use super::ReleaseError;
use super::date::seconds;
use super::signature::verify;
use super::sources::Source;
use super::stanza::stanzas;

/// The size limit of a release file. Debian's release file is 150 KB.
const LIMIT: u64 = 8 << 20;

/// A release file with a verified signature.
#[derive(Clone, Debug)]
pub struct Release {
    base: String,
    text: String,
}

impl Release {
    /// Fetches and verifies the release file of a suite.
    ///
    /// # Errors
    /// When the file is unavailable or its signature is not valid.
    pub fn fetch(source: &Source, ctx: &Ctx) -> Result<Self, ReleaseError> {
        let base = format!("{}/dists/{}", source.uri, source.suite);
        let url = format!("{base}/InRelease");
        let signed = download_unverified(&url, LIMIT, ctx)
            .map_err(|error| ReleaseError::Fetch(pywasm_session::one_line(&error)))?;
        let text = verify(&signed, &url, &source.keyring, ctx)?;
        Ok(Self { base, text })
    }

    /// Returns the publisher of the archive, such as `Debian` or `Ubuntu`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.field("Origin")
    }

    /// Returns the publisher and the suite, such as `Debian unstable`.
    #[must_use]
    pub fn suite(&self) -> String {
        format!("{} {}", self.origin(), self.field("Suite"))
    }

    /// Returns a file of the suite and its URLs, or `None` if the suite does not contain the file.
    /// `path` is relative to the suite, for example `main/binary-amd64/Packages.xz`.
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
            // The URL that contains the digest stays valid while a mirror is being updated, but
            // partial mirrors do not support it.
            urls.insert(0, format!("{}/{dir}/by-hash/SHA256/{sha256}", self.base));
        }
        Some((Wanted { file: name.to_owned(), sha256, size: Some(size) }, urls))
    }

    /// Returns the `Valid-Until` date if it has passed, which may mean that the mirror withholds
    /// updates.
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
    fn listed_file_has_digest_size_and_urls() {
        let (wanted, urls) = release("yes").file("main/binary-amd64/Packages.xz").unwrap();
        assert_eq!(wanted.size, Some(99));
        assert!(urls[0].ends_with(&format!("main/binary-amd64/by-hash/SHA256/{}", wanted.sha256)));
        assert!(urls[1].ends_with("dists/s/main/binary-amd64/Packages.xz"));
        let (_, urls) = release("no").file("main/binary-amd64/Packages.xz").unwrap();
        assert_eq!(urls.len(), 1);
        assert!(release("no").file("main/binary-arm64/Packages.xz").is_none());
    }

    #[test]
    fn release_file_expires_after_its_last_second() {
        let text = "Origin: Debian\nValid-Until: Sat, 28 Nov 2026 08:13:45 UTC\n";
        let release = Release { base: String::new(), text: text.to_owned() };
        let at = |seconds| UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        assert_eq!(release.expired(at(1_795_853_625)), None);
        assert!(release.expired(at(1_795_853_626)).unwrap().contains("28 Nov 2026"));
    }
}
