//! The directories that provide the Python standard library to a wasm module.

use camino::Utf8Path;

use super::Linked;
use crate::config::{PackageSettings, Stdlib, Workspace};
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
    let of_project = || linked.map(|linked| of_project(linked, ctx)).transpose();
    let stdlib = requested.map_or_else(of_project, |requested| Ok(Some(requested)))?;
    let stdlib = stdlib.unwrap_or_default();
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
        Stdlib::Embedded => Ok(Vec::new()),
    }
}

/// Returns the project's setting. If a Cargo.toml has changed since `project.json` was written, reads
/// the setting again, because plain `cargo run` does not write `project.json`.
fn of_project(linked: &Linked, ctx: &Ctx) -> anyhow::Result<Stdlib> {
    if linked.packages.iter().all(PackageSettings::is_fresh) {
        return Ok(linked.stdlib);
    }
    let project = Workspace::of(linked.project.join("Cargo.toml"), ctx).project()?;
    Ok(project.map_or(linked.stdlib, |project| project.stdlib))
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    #[test]
    fn setting_is_read_again_after_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        let write = |stdlib: &str| {
            let table = format!("[workspace]\n[package.metadata.pywasm]\nstdlib = \"{stdlib}\"\n");
            let head = "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
            fs_err::write(dir.join("Cargo.toml"), format!("{head}{table}")).unwrap();
        };
        fs_err::create_dir(dir.join("src")).unwrap();
        fs_err::write(dir.join("src/lib.rs"), "").unwrap();
        write("embedded");
        let ctx = Ctx::for_tests(&dir, &[]);
        let package = Workspace::new(&ctx).current_package().unwrap();
        let mut linked = Linked::new("/none".into(), Stdlib::Embedded, vec![package]);
        linked.project.clone_from(&dir);
        assert_eq!(of_project(&linked, &ctx).unwrap(), Stdlib::Embedded);
        write("zip");
        assert_eq!(of_project(&linked, &ctx).unwrap(), Stdlib::Zip);
        write("frozen");
        assert!(of_project(&linked, &ctx).is_err());
    }
}
