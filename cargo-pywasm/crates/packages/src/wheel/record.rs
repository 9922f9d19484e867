//! RECORD, the list of a wheel's files with their digests.
//!
//! Source: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Hostile;

/// Checks that RECORD lists exactly the files of an unpacked wheel, with their digests. `files` are
/// the paths relative to `root`. RECORD itself and its signatures have no digests.
///
/// # Errors
/// When RECORD is missing or not valid, or a file does not match.
pub(super) fn check_record(
    root: &Utf8Path,
    files: &[Utf8PathBuf],
    record: &Utf8Path,
) -> anyhow::Result<()> {
    let text = fs_err::read(root.join(record)).map_err(|_| Hostile::NoRecord)?;
    let mut listed = BTreeMap::new();
    let mut rows =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&text[..]);
    for row in rows.records() {
        let row = row.map_err(|error| Hostile::BadRecord(error.to_string()))?;
        let path = Utf8PathBuf::from(row.get(0).unwrap_or_default());
        let digest = row.get(1).unwrap_or_default().to_owned();
        if listed.insert(path.clone(), digest).is_some() {
            return Err(Hostile::BadRecord(format!("it lists `{path}` twice")).into());
        }
    }
    for file in files {
        let is_unlisted = file == record
            || [".jws", ".p7s"].iter().any(|it| file.as_str() == format!("{record}{it}"));
        let digest = listed.remove(file);
        if is_unlisted {
            continue;
        }
        let digest = digest.ok_or_else(|| Hostile::NotInRecord(file.clone()))?;
        let content = fs_err::read(root.join(file))?;
        if !matches(&digest, &content) {
            return Err(Hostile::WrongDigest(file.clone()).into());
        }
    }
    match listed.keys().next() {
        Some(path) => Err(Hostile::Missing(path.clone()).into()),
        None => Ok(()),
    }
}

/// Returns true if the digest, such as `sha256=…`, is that of the content. Only the SHA-2 family is
/// accepted.
fn matches(digest: &str, content: &[u8]) -> bool {
    let Some((algorithm, expected)) = digest.split_once('=') else { return false };
    let actual = match algorithm {
        "sha256" => URL_SAFE_NO_PAD.encode(Sha256::digest(content)),
        "sha384" => URL_SAFE_NO_PAD.encode(Sha384::digest(content)),
        "sha512" => URL_SAFE_NO_PAD.encode(Sha512::digest(content)),
        _ => return false,
    };
    expected.trim_end_matches('=') == actual
}
