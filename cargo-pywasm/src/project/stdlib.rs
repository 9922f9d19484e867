//! The directories that provide the Python standard library to a wasm module.

use camino::Utf8Path;

use super::Linked;
use crate::config::Stdlib;
use crate::installed;
use pywasm_cpython::smoke;
use pywasm_runtime::Dir;
use pywasm_store::Ctx;

/// Returns the standard library of the project's installation. Outside of a project, the CPython
/// series of the wasm module is unknown, so one library is returned for each installed series.
/// Python looks only at the path of its own series.
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
    stdlib_of(linked.as_ref(), requested, ctx)
}

/// Returns the directories for a project, or, without one, for every installed CPython series.
///
/// # Errors
/// When an installation cannot be read.
pub(crate) fn stdlib_of(
    linked: Option<&Linked>,
    requested: Option<Stdlib>,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Dir>> {
    let recorded = linked.map(|linked| linked.stdlib);
    let stdlib = requested.or(recorded).unwrap_or_default();
    let mut pythons = match linked {
        Some(linked) => vec![linked.open()?],
        None => installed::all(ctx)?,
    };
    match stdlib {
        Stdlib::Dir => {
            // The list is already sorted by version, newest first. This sort is stable, so the
            // newest entry of each series remains first in its series.
            pythons.sort_by(|a, b| a.series().cmp(b.series()));
            pythons.dedup_by(|a, b| a.series() == b.series());
            pythons.iter().map(smoke::stdlib).collect()
        }
        // The directory that contains the zip has the same guest path for all series, so only one
        // can be mounted.
        Stdlib::Zip => pythons.iter().take(1).map(smoke::stdlib_zip).collect(),
        Stdlib::Frozen => Ok(Vec::new()),
    }
}
