//! The archive that tells callers of macros which function they mean.

use camino::{Utf8Path, Utf8PathBuf};

use crate::cpython::{Logs, Step};
use crate::toolchain::Toolchain;

/// Writes it to `target`: one member a macro, of which a link takes those that are called.
///
/// # Errors
/// When the archiver fails; its log says why.
pub(super) fn archive(toolchain: &Toolchain, target: &Utf8Path, logs: &Logs) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
    let mut args = vec!["qcsD".to_owned(), target.to_string()];
    for it in pywasm_stubs::macros() {
        let member = format!("{}.o", it.name);
        fs_err::write(dir.join(&member), it.object())?;
        args.push(member);
    }
    Step {
        name: "archive-macros",
        program: toolchain.ar(),
        args,
        env: [("LC_ALL".to_owned(), "C".to_owned())].into(),
        cwd: dir,
    }
    .run(logs)?;
    Ok(())
}
