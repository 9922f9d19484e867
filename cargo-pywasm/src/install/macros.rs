//! The archive that tells callers of macros which function they mean.

use camino::Utf8Path;
use pywasm_stubs::Member;

/// Writes it to `target`: one member a macro, of which a link takes those that are called.
///
/// # Errors
/// When the file can't be written.
pub(super) fn archive(target: &Utf8Path) -> anyhow::Result<()> {
    let member =
        |it: &pywasm_stubs::Macro| Member { name: format!("{}.o", it.name), bytes: it.object() };
    let members: Vec<Member> = pywasm_stubs::macros().iter().map(member).collect();
    fs_err::write(target, pywasm_stubs::archive(&members))?;
    Ok(())
}
