//! Copies C headers.

use anyhow::Context;
use camino::Utf8Path;

/// Copies the headers below a directory.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn copy_headers(from: &Utf8Path, into: &Utf8Path) -> anyhow::Result<()> {
    fs_err::create_dir_all(into)?;
    for entry in from.read_dir_utf8().with_context(|| format!("cannot read `{from}`"))? {
        let entry = entry?;
        let target = into.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_headers(entry.path(), &target)?;
        } else if entry.path().extension() == Some("h") {
            fs_err::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
