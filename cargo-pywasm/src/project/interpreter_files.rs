//! The files of an interpreter that contains Python packages.

use pywasm_build::Installation;
use pywasm_cpython::freeze::{Embedded, PACKAGES, Wanted, add_library};
use pywasm_cpython::smoke;
use pywasm_packages::Installed;
use pywasm_store::Ctx;

use super::{frozen, wheels};
use crate::installed::utf8;

/// Returns the packages as files in `site-packages`, and if `with_library` is true, the whole standard
/// library.
///
/// # Errors
/// When a package needs native code, or two packages contain different files for one path.
pub(crate) fn interpreter_files(
    packages: &[Installed],
    with_library: bool,
    python: &Installation,
    ctx: &Ctx,
) -> anyhow::Result<Embedded> {
    let library = smoke::stdlib(python)?.guest;
    let mut files = Embedded::default();
    if with_library {
        add_library(&mut files, &library, &utf8(python.stdlib())?)?;
    }
    if !packages.is_empty() {
        let wanted = Wanted { wheels: wheels(packages), ..Wanted::default() };
        let frozen = frozen(&wanted, python, ctx)?;
        frozen.warnings.iter().for_each(|warning| ctx.reporter.warn(warning));
        let directory = format!("{library}/site-packages");
        for (path, content) in frozen.embedded.contents(PACKAGES) {
            files.add(&directory, path, content.to_vec())?;
        }
    }
    Ok(files)
}
