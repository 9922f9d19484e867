//! Merges libpython and the libraries that it needs into one archive.

use camino::{Utf8Path, Utf8PathBuf};

use crate::build::{Built, Logs, Step, emulated};
use pywasm_toolchain::Toolchain;

/// Merges the archives into `target` without unpacking them, because 23 of libpython's member names
/// occur twice, and unpacking would lose one member of each pair.
///
/// The llvm-ar flags: `q` appends, `c` creates the archive silently, `s` writes the index, `L` adds
/// the members of an archive instead of the archive itself, and `D` omits dates and owners.
pub(super) fn merge(
    built: &Built,
    toolchain: &Toolchain,
    target: &Utf8Path,
    debug_info: bool,
    logs: &Logs,
) -> anyhow::Result<()> {
    let parent = target.parent().unwrap_or(target).to_owned();
    let mut args = vec!["qcsLD".to_owned(), target.to_string(), built.libpython.to_string()];
    args.extend(built.companions.iter().map(Utf8PathBuf::to_string));
    args.extend(emulated(toolchain).map(|path| path.to_string()));
    let step = |name, program: Utf8PathBuf, args| Step {
        name,
        program,
        args,
        env: [("LC_ALL".to_owned(), "C".to_owned())].into(),
        cwd: parent.clone(),
    };
    step("merge-archives", toolchain.ar(), args).run(logs)?;
    if debug_info {
        return Ok(());
    }
    let strip = vec!["--strip-debug".to_owned(), target.to_string()];
    step("strip-archive", toolchain.strip(), strip).run(logs)?;
    Ok(())
}
