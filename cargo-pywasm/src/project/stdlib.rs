//! The directories that give a module its standard library.

use camino::Utf8Path;

use super::Linked;
use crate::config::Stdlib;
use crate::installed;
use pywasm_cpython::smoke;
use pywasm_runtime::Dir;
use pywasm_store::Ctx;

/// Returns the standard library of the project's installation. Outside of projects, it returns one for
/// each installed series: a module looks only at the path of its own series.
///
/// # Errors
/// When an installation or `project.json` cannot be read.
pub(crate) fn stdlib(
    module: &Utf8Path,
    requested: Option<Stdlib>,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Dir>> {
    let module = ctx.cwd.join(module);
    let linked = match Linked::find(&ctx.cwd)? {
        None => Linked::find(&module)?,
        found => found,
    };
    let recorded = linked.as_ref().map(|linked| linked.stdlib);
    let stdlib = requested.or(recorded).unwrap_or_default();
    let mut pythons = match linked {
        Some(linked) => vec![linked.open()?],
        None => installed::all(ctx)?,
    };
    match stdlib {
        Stdlib::Dir => {
            // The list is sorted by version, newest first; a stable sort keeps that in each series.
            pythons.sort_by(|a, b| a.series().cmp(b.series()));
            pythons.dedup_by(|a, b| a.series() == b.series());
            pythons.iter().map(smoke::stdlib).collect()
        }
        // All series share the zip's directory in the guest, so there can be only one.
        Stdlib::Zip => pythons.iter().take(1).map(smoke::stdlib_zip).collect(),
        Stdlib::Frozen => Ok(Vec::new()),
    }
}
