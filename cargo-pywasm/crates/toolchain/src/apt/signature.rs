//! Verifies clear-signed text with the program that apt uses on this machine: `gpgv`, or `sqv` on
//! newer systems.
//!
//! Only the output of the verifier is used, because the received file may contain text that was not
//! signed.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_store::Ctx;

use super::ReleaseError;
use super::sources::Keyring;

/// The keyrings that apt trusts if a source does not specify any.
const DEFAULT_KEYRINGS: [&str; 5] = [
    "/etc/apt/trusted.gpg.d",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    "/usr/share/keyrings/ubuntu-archive-keyring.pgp",
];

/// The file name extensions of keyrings. Keyring directories may also contain other files.
const KEYRING_ENDS: [&str; 3] = ["gpg", "pgp", "asc"];

/// Verifies that clear-signed text was signed with a trusted key, and returns the signed part.
///
/// # Errors
/// When the machine has no verifier, or the text was not signed with a trusted key.
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
        // Like apt, refuse SHA-1. gpgv itself refuses MD5.
        command.args(["--status-fd", "1", "--weak-digest", "SHA1"]);
    } else {
        command.arg("--cleartext");
    }
    for key in &keys {
        command.args(["--keyring", key.as_str()]);
    }
    let verified = command
        .args(["--output", output.as_str()])
        .arg(&input)
        .env_clear()
        .env("GNUPGHOME", dir)
        .env("LC_ALL", "C")
        .output()?;
    let is_good = if is_gpgv {
        is_signed(&String::from_utf8_lossy(&verified.stdout))
    } else {
        verified.status.success()
    };
    if !is_good || !output.is_file() {
        let printed = String::from_utf8_lossy(&verified.stderr);
        let message = printed.lines().last().unwrap_or("it is not signed").to_owned();
        return Err(ReleaseError::BadSignature { url: url.to_owned(), message });
    }
    Ok(fs_err::read_to_string(&output)?)
}

/// Returns true if the status lines of gpgv report a good signature made with a key that is neither
/// expired nor revoked, and report no bad signature. This is apt's rule. Archives sign with the
/// keys of several releases, so signatures made with untrusted keys are ignored. The exit status of
/// gpgv is not used, because it reports such signatures as failures.
///
/// The status lines are described in GnuPG's `doc/DETAILS`:
/// <https://github.com/gpg/gnupg/blob/master/doc/DETAILS#format-of-the---status-fd-output>.
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

/// Returns the files of a keyring. Armored keys are decoded into `scratch`, because gpgv does not
/// support them.
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
        // Armor is detected from the content, because a `.gpg` file may also be armored.
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

/// The first line of an armored key.
const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Decodes all blocks of ASCII armor and concatenates them into a keyring:
/// <https://www.rfc-editor.org/rfc/rfc9580#section-6>.
fn dearmor(text: &str) -> std::io::Result<Vec<u8>> {
    use base64::Engine;
    let mut bytes = Vec::new();
    for block in text.split(ARMOR).skip(1) {
        let body: String = block
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("-----END"))
            // Skip headers (which contain a colon), the checksum (which starts with `=`) and the
            // empty lines of deb822 (which are dots). Lines of base64 have none of these forms.
            .filter(|line| !line.contains(':') && !line.starts_with('=') && *line != ".")
            .collect();
        let decoded = base64::engine::general_purpose::STANDARD.decode(body).map_err(|error| {
            std::io::Error::other(format!("a key has invalid ASCII armor: {error}"))
        })?;
        bytes.extend(decoded);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armor_is_decoded() {
        let text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\nAAEC\nAwQ=\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(dearmor(text).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(dearmor(&text.repeat(2)).unwrap().len(), 10);
        assert!(dearmor(&text.replace("AAEC", "A*EC")).is_err());
    }

    #[test]
    fn signature_by_an_unknown_key_is_ignored() {
        let good = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0E98404D386FA1D9 Archive\n";
        let unknown = "[GNUPG:] ERRSIG F8D2585B8783D481 1 8 01 1 9\n[GNUPG:] NO_PUBKEY F8\n";
        assert!(is_signed(&format!("{good}{unknown}")));
        assert!(!is_signed(unknown));
    }

    #[test]
    fn bad_expired_and_revoked_signatures_are_refused() {
        let good = "[GNUPG:] GOODSIG 0E98404D386FA1D9 Archive\n";
        for line in ["BADSIG 1 x", "EXPKEYSIG 1 x", "REVKEYSIG 1 x", "EXPSIG 1 x", "NODATA 4"] {
            assert!(!is_signed(&format!("[GNUPG:] {line}\n")), "{line}");
        }
        assert!(!is_signed(&format!("{good}[GNUPG:] BADSIG 1 x\n")));
        assert!(!is_signed("GOODSIG without the prefix of gpgv\n"));
    }
}
