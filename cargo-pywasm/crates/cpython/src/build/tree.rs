//! The files of a source tree that the user specifies.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use pywasm_store::fetch::sha256_of;
use sha2::{Digest as _, Sha256};

/// Directories that are not part of the sources.
const IGNORED: [&str; 2] = [".git", "__pycache__"];

/// Returns the paths of the source files below a directory, relative to it, sorted.
///
/// # Errors
/// When a directory cannot be read, or contains a link that does not lead to a file.
pub(crate) fn files(dir: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let (mut found, mut todo) = (Vec::new(), vec![Utf8PathBuf::new()]);
    while let Some(below) = todo.pop() {
        for entry in dir.join(&below).read_dir_utf8()? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if IGNORED.contains(&entry.file_name()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                todo.push(path);
            } else {
                anyhow::ensure!(
                    entry.path().is_file(),
                    "`{}` is neither a file nor a directory",
                    entry.path()
                );
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the digest of the names and contents of all source files.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn digest(dir: &Utf8Path) -> anyhow::Result<Digest> {
    let mut hash = Sha256::new();
    for path in files(dir).with_context(|| format!("cannot read `{dir}`"))? {
        let sha256 = sha256_of(fs_err::File::open(dir.join(&path))?)?;
        hash.update(format!("{sha256} {path}\n"));
    }
    Ok(Digest::from_bytes(hash.finalize().into()))
}
