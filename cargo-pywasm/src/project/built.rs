//! What Cargo has built of a project for the target.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{MetadataCommand, Package, TargetKind};

use pywasm_session::WithHint;
use pywasm_store::Ctx;

/// The modules of the crate one stands in, or of its whole workspace where one stands above its
/// members: of each the one that was built last, in any profile. Paths are relative to the current
/// directory where they lie below it.
///
/// # Errors
/// When there is no crate, or nothing was built.
pub(crate) fn built_modules(ctx: &Ctx) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let manifest = ctx
        .cwd
        .ancestors()
        .map(|dir| dir.join("Cargo.toml"))
        .find(|path| path.is_file())
        .with_context(|| format!("`{}` is in no crate, and no file is named", ctx.cwd))
        .hint(|| "name the module, `my.wasm`, or stand in the crate that builds it".to_owned())?;
    let mut command = MetadataCommand::new();
    command.manifest_path(&manifest).no_deps().other_options(["--offline".to_owned()]);
    let workspace = command.exec().with_context(|| format!("Cargo can't read `{manifest}`"))?;
    let own = |package: &&Package| package.manifest_path == manifest;
    let members = workspace.packages.iter();
    let packages: Vec<&Package> = if workspace.packages.iter().any(|it| own(&it)) {
        members.filter(own).collect()
    } else {
        members.collect()
    };
    let place = workspace.target_directory.join(pywasm_build::TARGET);
    let mut found: Vec<Utf8PathBuf> = packages
        .iter()
        .flat_map(|package| modules(package))
        .filter_map(|name| newest(&place, &name))
        .collect();
    found.sort();
    found.dedup();
    if found.is_empty() {
        return Err(anyhow::anyhow!("nothing of this project is built in `{place}`"))
            .hint(|| "`cargo pywasm build` builds it".to_owned());
    }
    Ok(found
        .into_iter()
        .map(|path| path.strip_prefix(&ctx.cwd).map(Utf8Path::to_owned).unwrap_or(path))
        .collect())
}

/// The files that Cargo makes of a package's commands and reactors.
fn modules(package: &Package) -> impl Iterator<Item = String> + '_ {
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

fn newest(place: &Utf8Path, name: &str) -> Option<Utf8PathBuf> {
    let profiles = place.read_dir_utf8().ok()?;
    let built = profiles.filter_map(Result::ok).filter_map(|profile| {
        let path = profile.path().join(name);
        let time = path.metadata().and_then(|metadata| metadata.modified()).ok()?;
        Some((time, path))
    });
    built.max().map(|(_, path)| path)
}
