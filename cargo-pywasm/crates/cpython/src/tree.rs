//! The files below a directory, and their digest.

use anyhow::Context;
use camino::{Utf8DirEntry, Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use pywasm_store::fetch::sha256_of;
use sha2::{Digest as _, Sha256};

/// Directories that are not part of CPython's sources.
const NOT_SOURCES: [&str; 2] = [".git", "__pycache__"];

/// Returns the paths of the files below a directory that `is_wanted` accepts, relative to the directory,
/// sorted.
///
/// # Errors
/// When a directory cannot be read.
pub(crate) fn files(
    dir: &Utf8Path,
    is_wanted: impl Fn(&Utf8Path) -> bool,
) -> anyhow::Result<Vec<Utf8PathBuf>> {
    files_outside_of(&[], dir, &|entry| Ok(entry.file_type()?.is_dir()), is_wanted)
}

/// Like [`files`], but also returns the files below links to directories, and leaves out caches of
/// bytecode.
///
/// # Errors
/// When a directory cannot be read, or contains a link to a directory that contains it.
pub(crate) fn followed(
    dir: &Utf8Path,
    is_wanted: impl Fn(&Utf8Path) -> bool,
) -> anyhow::Result<Vec<Utf8PathBuf>> {
    files_outside_of(&["__pycache__"], dir, &|entry| Ok(entry.path().is_dir()), is_wanted)
}

fn files_outside_of(
    ignored: &[&str],
    dir: &Utf8Path,
    is_dir: &dyn Fn(&Utf8DirEntry) -> std::io::Result<bool>,
    is_wanted: impl Fn(&Utf8Path) -> bool,
) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let (mut found, mut todo) = (Vec::new(), vec![Utf8PathBuf::new()]);
    while let Some(below) = todo.pop() {
        let place = dir.join(&below);
        for entry in place.read_dir_utf8().with_context(|| format!("cannot read `{place}`"))? {
            let entry = entry?;
            if ignored.contains(&entry.file_name()) {
                continue;
            }
            let path = below.join(entry.file_name());
            if is_dir(&entry)? {
                todo.push(path);
            } else if is_wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the paths of the source files in a directory of the user.
///
/// # Errors
/// When a directory cannot be read, or contains a link that does not lead to a file.
pub(crate) fn sources(dir: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let found =
        files_outside_of(&NOT_SOURCES, dir, &|entry| Ok(entry.file_type()?.is_dir()), |_| true)?;
    if let Some(wrong) = found.iter().map(|path| dir.join(path)).find(|path| !path.is_file()) {
        anyhow::bail!("`{wrong}` is neither a file nor a directory");
    }
    Ok(found)
}

/// Returns the files of an installed library, sorted, each with a path for a place where bytecode is
/// beside its source: `__pycache__/x.cpython-313.pyc` becomes `x.pyc`.
///
/// # Errors
/// When a directory cannot be read.
pub(crate) fn with_bytecode_beside(
    library: &Utf8Path,
) -> anyhow::Result<Vec<(Utf8PathBuf, Utf8PathBuf)>> {
    let is_dir = |entry: &Utf8DirEntry| Ok(entry.path().is_dir());
    let mut found = Vec::new();
    for file in files_outside_of(&["lib-dynload"], library, &is_dir, |_| true)? {
        let dir = file.parent().unwrap_or(Utf8Path::new(""));
        let name = file.file_name().unwrap_or_default();
        let place = if dir.file_name() != Some("__pycache__") {
            file.clone()
        } else if let (Some(above), Some((stem, _))) = (dir.parent(), name.split_once(".cpython-"))
        {
            above.join(format!("{stem}.pyc"))
        } else {
            continue;
        };
        found.push((place, library.join(&file)));
    }
    found.sort();
    Ok(found)
}

/// Returns the digest of the paths and contents of files.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn digest(dir: &Utf8Path, paths: &[Utf8PathBuf]) -> anyhow::Result<Digest> {
    let mut hash = Sha256::new();
    for path in paths {
        let sha256 = sha256_of(fs_err::File::open(dir.join(path))?)?;
        hash.update(format!("{sha256} {path}\n"));
    }
    Ok(Digest::from_bytes(hash.finalize().into()))
}
