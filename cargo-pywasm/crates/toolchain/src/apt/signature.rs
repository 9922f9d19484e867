//! Clear-signed text, checked by the program that apt itself uses on this machine: `gpgv`, or
//! `sqv` where apt has moved on to that.
//!
//! Only what the verifier hands out is read: never the file that came, which may hold more
//! than what was signed.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::release::ReleaseError;
use super::sources::Keyring;
use pywasm_store::Ctx;

/// Keyrings that apt trusts where a source names none.
const DEFAULT_KEYRINGS: [&str; 5] = [
    "/etc/apt/trusted.gpg.d",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    "/usr/share/keyrings/ubuntu-archive-keyring.pgp",
];

/// What the names of keyrings end with; a directory of them may hold other things.
const KEYRING_ENDS: [&str; 3] = ["gpg", "pgp", "asc"];

/// The text that was signed, once a trusted key is found to have signed it.
///
/// # Errors
/// When nothing here can check it, or no trusted key has signed it.
pub(super) fn verify(
    signed: &[u8],
    url: &str,
    keyring: &Keyring,
    ctx: &Ctx,
) -> Result<String, ReleaseError> {
    let scratch = tempfile::tempdir()?;
    let dir = Utf8Path::from_path(scratch.path())
        .ok_or_else(|| std::io::Error::other("the temporary directory is not UTF-8"))?;
    let (input, output) = (dir.join("InRelease"), dir.join("Release"));
    fs_err::write(&input, signed)?;
    let keys = keyring_files(keyring, dir)?;
    if keys.is_empty() {
        return Err(ReleaseError::NoKeyring(url.to_owned()));
    }
    let (gpgv, sqv) = (ctx.env.program("gpgv"), ctx.env.program("sqv"));
    let (program, is_gpgv) = match (&gpgv, &sqv) {
        (Some(gpgv), _) => (gpgv, true),
        (None, Some(sqv)) => (sqv, false),
        (None, None) => return Err(ReleaseError::NoVerifier),
    };
    let mut command = Command::new(program);
    if is_gpgv {
        // apt takes no SHA-1 either; MD5 is refused by gpgv itself.
        command.args(["--status-fd", "1", "--weak-digest", "SHA1"]);
    } else {
        command.arg("--cleartext");
    }
    for key in &keys {
        command.args(["--keyring", key.as_str()]);
    }
    let checked = command
        .args(["--output", output.as_str()])
        .arg(&input)
        .env_clear()
        .env("GNUPGHOME", dir)
        .env("LC_ALL", "C")
        .output()?;
    let good = if is_gpgv {
        is_signed(&String::from_utf8_lossy(&checked.stdout))
    } else {
        checked.status.success()
    };
    if !good || !output.is_file() {
        let said = String::from_utf8_lossy(&checked.stderr);
        let said = said.lines().last().unwrap_or("it is not signed").to_owned();
        return Err(ReleaseError::BadSignature { url: url.to_owned(), said });
    }
    Ok(fs_err::read_to_string(&output)?)
}

/// apt's rule for what gpgv reports: a good signature by a key that is neither expired nor
/// revoked, and none that is bad. Archives sign with the keys of several releases, so a
/// signature by a key that is not trusted says nothing; gpgv's exit status counts it as failure.
///
/// Source of the words: GnuPG's `doc/DETAILS`, "Format of the --status-fd output".
fn is_signed(status: &str) -> bool {
    let mut good = false;
    for line in status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first().copied() {
            Some("GOODSIG") => good = true,
            Some("BADSIG" | "UNEXPECTED" | "NODATA" | "FAILURE") => return false,
            _ => {}
        }
    }
    good
}

/// The files that hold the keys; armored ones are unpacked, which gpgv can't do.
fn keyring_files(keyring: &Keyring, scratch: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
    let named: Vec<Utf8PathBuf> = match keyring {
        Keyring::Embedded(key) => {
            let path = scratch.join("embedded.asc");
            fs_err::write(&path, key)?;
            vec![path]
        }
        Keyring::Files(files) => files.clone(),
        Keyring::Default => DEFAULT_KEYRINGS.iter().map(Utf8PathBuf::from).collect(),
    };
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let entries = path.read_dir_utf8()?.filter_map(|entry| Some(entry.ok()?.into_path()));
            files.extend(entries.filter(|path| {
                path.is_file() && path.extension().is_some_and(|end| KEYRING_ENDS.contains(&end))
            }));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    for (number, file) in files.iter_mut().enumerate() {
        // Told by what is in it: a `.gpg` file may be armored, too.
        let bytes = fs_err::read(&*file)?;
        if let Ok(text) = std::str::from_utf8(&bytes)
            && text.contains(ARMOR)
        {
            let plain = dearmor(text)?;
            *file = scratch.join(format!("key-{number}.gpg"));
            fs_err::write(&*file, plain)?;
        }
    }
    Ok(files)
}

/// How an armored key begins.
const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// The bytes inside ASCII armor, of all its blocks: a keyring is its keys one after the other.
///
/// Source of the format: RFC 9580, section 6.
fn dearmor(text: &str) -> std::io::Result<Vec<u8>> {
    use base64::Engine;
    let mut bytes = Vec::new();
    for block in text.split(ARMOR).skip(1) {
        let body: String = block
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("-----END"))
            // Headers have a colon, a checksum starts with `=`, and deb822 writes an empty line
            // as a dot: none of these is in base64's own lines.
            .filter(|line| !line.contains(':') && !line.starts_with('=') && *line != ".")
            .collect();
        let decoded = base64::engine::general_purpose::STANDARD.decode(body).map_err(|error| {
            std::io::Error::other(format!("a key's armor can't be read: {error}"))
        })?;
        bytes.extend(decoded);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armor_is_taken_off() {
        let text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\nAAEC\nAwQ=\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(dearmor(text).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(dearmor(&text.repeat(2)).unwrap().len(), 10);
        assert!(dearmor(&text.replace("AAEC", "A*EC")).is_err());
    }

    #[test]
    fn a_good_signature_beside_one_of_an_unknown_key_is_enough() {
        let good = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0E98404D386FA1D9 Archive\n";
        let unknown = "[GNUPG:] ERRSIG F8D2585B8783D481 1 8 01 1 9\n[GNUPG:] NO_PUBKEY F8\n";
        assert!(is_signed(&format!("{good}{unknown}")));
        assert!(!is_signed(unknown));
    }

    #[test]
    fn bad_expired_and_revoked_signatures_are_none() {
        let good = "[GNUPG:] GOODSIG 0E98404D386FA1D9 Archive\n";
        for line in ["BADSIG 1 x", "EXPKEYSIG 1 x", "REVKEYSIG 1 x", "EXPSIG 1 x", "NODATA 4"] {
            assert!(!is_signed(&format!("[GNUPG:] {line}\n")), "{line}");
        }
        assert!(!is_signed(&format!("{good}[GNUPG:] BADSIG 1 x\n")));
        assert!(!is_signed("GOODSIG not gpgv's own line\n"));
    }
}
