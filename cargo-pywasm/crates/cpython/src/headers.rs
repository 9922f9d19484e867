//! C headers.

use camino::{Utf8Path, Utf8PathBuf};

use crate::tree;

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
    tree::files(dir, |path| path.extension() == Some("h"))
}
