//! Finds the wasm modules that Cargo has built for a project.

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{Package, TargetKind};

use crate::config::Workspace;
use pywasm_session::WithHint;

/// Returns the paths of the wasm modules of the current crate, or of all members of the current
/// virtual workspace. For each target, the path is that of the latest build in any profile. Paths
/// below the current directory are relative.
///
/// # Errors
/// When there is no crate, or nothing was built.
pub(crate) fn built_modules(workspace: &Workspace<'_>) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let (packages, target) = workspace
        .selected_packages()
        .hint(|| "specify a module, or run this command in the crate that builds it".to_owned())?;
    let dir = target.join(pywasm_build::TARGET);
    let names = packages.iter().flat_map(|package| file_names(package));
    let mut found: Vec<Utf8PathBuf> = names.filter_map(|name| latest(&dir, &name)).collect();
    found.sort();
    found.dedup();
    if found.is_empty() {
        return Err(anyhow::anyhow!("`{dir}` contains no module of this project"))
            .hint(|| "`cargo pywasm build` builds the project".to_owned());
    }
    let cwd = &workspace.ctx().cwd;
    let relative =
        |path: Utf8PathBuf| path.strip_prefix(cwd).map(Utf8Path::to_owned).unwrap_or(path);
    Ok(found.into_iter().map(relative).collect())
}

/// Returns the file names that Cargo gives to a package's commands and reactors.
fn file_names(package: &Package) -> impl Iterator<Item = String> + '_ {
    package.targets.iter().filter_map(|target| {
        let is = |kind: &TargetKind| target.kind.contains(kind);
        if is(&TargetKind::Bin) {
            Some(format!("{}.wasm", target.name))
        } else if is(&TargetKind::CDyLib) {
            Some(format!("{}.wasm", target.name.replace('-', "_")))
        } else {
            None
        }
    })
}

/// Returns the latest file with this name in the profile directories of `dir`.
fn latest(dir: &Utf8Path, name: &str) -> Option<Utf8PathBuf> {
    let profiles = dir.read_dir_utf8().ok()?;
    let built = profiles.filter_map(Result::ok).filter_map(|profile| {
        let path = profile.path().join(name);
        let time = path.metadata().and_then(|metadata| metadata.modified()).ok()?;
        Some((time, path))
    });
    built.max().map(|(_, path)| path)
}
