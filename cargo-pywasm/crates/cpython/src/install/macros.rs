//! The archive of functions that have the names of C API macros. A call to such a function causes
//! an error that specifies the function to call instead.

use camino::Utf8Path;
use pywasm_stubs::Member;

/// Writes the archive to `target`. It has one member per macro, so that a link includes only the
/// members for macros that are called.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn archive(target: &Utf8Path) -> anyhow::Result<()> {
    let member =
        |it: &pywasm_stubs::Macro| Member { name: format!("{}.o", it.name), bytes: it.object() };
    let members: Vec<Member> = pywasm_stubs::macros().iter().map(member).collect();
    fs_err::write(target, pywasm_stubs::archive(&members))?;
    Ok(())
}
