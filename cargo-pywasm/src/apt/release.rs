//! A suite's release file: signed by the archive, and the root of all its digests.
//!
//! The signature is checked by the program that apt itself uses on this machine: `gpgv`, or
//! `sqv` where apt has moved on to that. Only what it hands out is read.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;

use super::sources::{Keyring, Source};
use super::stanza::stanzas;
use crate::ctx::Ctx;
use crate::fetch::{Wanted, download_unverified};

/// A release file is 150 KB for all of Debian.
const LIMIT: u64 = 8 << 20;

/// Keyrings that apt trusts where a source names none.
const DEFAULT_KEYRINGS: [&str; 3] = [
    "/etc/apt/trusted.gpg.d",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
];

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
            .map_err(|error| ReleaseError::Fetch(crate::reporter::one_line(&error)))?;
        let text = verify(&signed, &url, &source.keyring, ctx)?;
        Ok(Self { base, text })
    }

    /// `Debian`, `Ubuntu`: who made the archive.
    #[must_use]
    pub fn origin(&self) -> String {
        self.field("Origin")
    }

    /// A file of the suite, by its digest and where it is; `None` where the suite has none of
    /// that name. `path` is relative to the suite: `main/binary-amd64/Packages.xz`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<(Wanted, String)> {
        let listed = self.field("SHA256");
        let mut words = listed
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find(|words| words.len() == 3 && words[2] == path)?
            .into_iter();
        let sha256: Digest = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let (dir, name) = path.rsplit_once('/')?;
        // By its digest a file stays what the release says while the mirror is updated.
        let url = if self.field("Acquire-By-Hash") == "yes" {
            format!("{}/{dir}/by-hash/SHA256/{sha256}", self.base)
        } else {
            format!("{}/{path}", self.base)
        };
        Some((Wanted { file: name.to_owned(), sha256, size: Some(size) }, url))
    }

    fn field(&self, name: &str) -> String {
        stanzas(&self.text).find_map(|stanza| stanza.get(name)).unwrap_or_default()
    }
}

/// The text that was signed, once a trusted key is found to have signed it.
fn verify(signed: &[u8], url: &str, keyring: &Keyring, ctx: &Ctx) -> Result<String, ReleaseError> {
    let scratch = tempfile::tempdir()?;
    let dir = Utf8Path::from_path(scratch.path())
        .ok_or_else(|| std::io::Error::other("the temporary directory is not UTF-8"))?;
    let (input, output) = (dir.join("InRelease"), dir.join("Release"));
    fs_err::write(&input, signed)?;
    let keys = keyring_files(keyring, dir)?;
    if keys.is_empty() {
        return Err(ReleaseError::NoKeyring(url.to_owned()));
    }
    let mut command = if let Some(gpgv) = ctx.env.program("gpgv") {
        let mut command = Command::new(gpgv);
        command.args(["--homedir", dir.as_str(), "--output", output.as_str()]);
        command
    } else if let Some(sqv) = ctx.env.program("sqv") {
        let mut command = Command::new(sqv);
        command.args(["--cleartext", "--output", output.as_str()]);
        command
    } else {
        return Err(ReleaseError::NoVerifier);
    };
    for key in &keys {
        command.args(["--keyring", key.as_str()]);
    }
    let checked = command.arg(&input).env_clear().env("LC_ALL", "C").output()?;
    if !checked.status.success() {
        let said = String::from_utf8_lossy(&checked.stderr);
        let said = said.lines().last().unwrap_or("it said nothing").to_owned();
        return Err(ReleaseError::BadSignature { url: url.to_owned(), said });
    }
    Ok(fs_err::read_to_string(&output)?)
}

/// The files that hold the keys; armored ones are unpacked, which gpgv can't do.
fn keyring_files(keyring: &Keyring, scratch: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
    let named: Vec<Utf8PathBuf> = match keyring {
        Keyring::Embedded(key) => {
            let path = scratch.join("embedded.asc");
            // deb822 writes an empty line as a dot.
            fs_err::write(
                &path,
                key.lines()
                    .map(|line| format!("{}\n", line.trim_start_matches('.')))
                    .collect::<String>(),
            )?;
            vec![path]
        }
        Keyring::Files(files) => files.clone(),
        Keyring::Default => DEFAULT_KEYRINGS.iter().map(Utf8PathBuf::from).collect(),
    };
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(path.read_dir_utf8()?.filter_map(|entry| Some(entry.ok()?.into_path())));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    for (number, file) in
        files.iter_mut().enumerate().filter(|(_, file)| file.extension() == Some("asc"))
    {
        let bytes = dearmor(&fs_err::read_to_string(&*file)?)?;
        *file = scratch.join(format!("key-{number}.gpg"));
        fs_err::write(&*file, bytes)?;
    }
    Ok(files)
}

/// The bytes inside ASCII armor.
///
/// Source of the format: RFC 9580, section 6.
fn dearmor(text: &str) -> std::io::Result<Vec<u8>> {
    use base64::Engine;
    let body: String = text
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1)
        // Headers end at an empty line; a checksum starts with `=`.
        .filter(|line| !line.contains(':'))
        .take_while(|line| !line.starts_with("-----END") && !line.starts_with('='))
        .flat_map(str::split_whitespace)
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(body)
        .map_err(|error| std::io::Error::other(format!("a key's armor can't be read: {error}")))
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
    fn a_listed_file_has_digest_size_and_place() {
        let (wanted, url) = release("yes").file("main/binary-amd64/Packages.xz").unwrap();
        assert_eq!(wanted.size, Some(99));
        assert!(url.ends_with(&format!("main/binary-amd64/by-hash/SHA256/{}", wanted.sha256)));
        let (_, url) = release("no").file("main/binary-amd64/Packages.xz").unwrap();
        assert!(url.ends_with("dists/s/main/binary-amd64/Packages.xz"));
        assert!(release("no").file("main/binary-arm64/Packages.xz").is_none());
    }

    #[test]
    fn armor_is_taken_off() {
        let text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\nAAEC\nAwQ=\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(dearmor(text).unwrap(), [0, 1, 2, 3, 4]);
    }
}
