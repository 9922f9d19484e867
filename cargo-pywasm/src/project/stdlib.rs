//! Where a module finds the standard library.

use camino::Utf8Path;

use super::{Linked, Stdlib};
use crate::installed;
use pywasm_cpython::smoke;
use pywasm_runtime::Dir;
use pywasm_store::Ctx;

/// The standard library of the project's installation; outside of any project, that of each
/// series that is installed, for a module looks at its own place only. One without any still runs.
pub(crate) fn stdlib(
    module: &Utf8Path,
    asked: Option<Stdlib>,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Dir>> {
    let module = ctx.cwd.join(module);
    let linked = match Linked::find(&ctx.cwd)? {
        None => Linked::find(&module)?,
        found => found,
    };
    let of_crate = linked.as_ref().map(|linked| linked.stdlib);
    let stdlib = asked.or(of_crate).unwrap_or_default();
    let mut pythons = match linked {
        Some(linked) => vec![linked.open()?],
        None => installed::all(ctx)?,
    };
    match stdlib {
        Stdlib::Dir => {
            // Newest first; sorted by series the first of each is its newest.
            pythons.sort_by(|a, b| a.series().cmp(b.series()));
            pythons.dedup_by(|a, b| a.series() == b.series());
            pythons.iter().map(smoke::stdlib).collect()
        }
        // All zips have one directory in the guest.
        Stdlib::Zip => pythons.iter().take(1).map(smoke::stdlib_zip).collect(),
        Stdlib::Frozen => Ok(Vec::new()),
    }
}
