//! Copies C headers.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

/// Copies the headers below a directory.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn copy_headers(from: &Utf8Path, into: &Utf8Path) -> anyhow::Result<()> {
    for path in headers_below(from)? {
        let target = into.join(&path);
        fs_err::create_dir_all(target.parent().unwrap_or(into))?;
        fs_err::copy(from.join(path), target)?;
    }
    Ok(())
}

/// Returns the paths of the headers below a directory, relative to it, sorted.
///
/// # Errors
/// When a directory cannot be read.
pub(crate) fn headers_below(dir: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let (mut found, mut todo) = (Vec::new(), vec![Utf8PathBuf::new()]);
    while let Some(below) = todo.pop() {
        let place = dir.join(&below);
        for entry in place.read_dir_utf8().with_context(|| format!("cannot read `{place}`"))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                todo.push(path);
            } else if path.extension() == Some("h") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
