//! The Python packages that a project requires by name.

use camino::Utf8PathBuf;
use pywasm_packages::{Installed, Lock, install, installed, resolve};
use pywasm_recipes::PatchVersion;
use pywasm_session::WithHint;
use pywasm_store::Ctx;

use crate::config::Required;

/// Resolves the requirements, writes the lock, and returns the packages. Versions in an existing lock
/// are kept, unless `upgrade` is true.
///
/// # Errors
/// When there is no solution, or a package cannot be fetched or has no suitable wheel.
pub(crate) fn lock(
    required: &Required,
    python: PatchVersion,
    upgrade: bool,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Installed>> {
    let Required { dir, requirements } = required;
    let lock = resolve(requirements, dir, python.series, upgrade, ctx)?;
    install(&lock.choose(python)?, ctx)
}

/// Returns the packages of the lock. If the lock is missing or was resolved for other requirements,
/// resolves them first.
///
/// # Errors
/// Those of [`lock`].
pub(crate) fn provide(
    required: &Required,
    python: PatchVersion,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Installed>> {
    match required.requirements.locked(&required.dir, python.series)? {
        Some(lock) => install(&lock.choose(python)?, ctx),
        None => lock(required, python, false, ctx),
    }
}

/// Returns the packages of the lock without using the network, and the files that they depend on.
///
/// # Errors
/// When the lock is missing or was resolved for other requirements, or a package is not in the store.
pub(crate) fn located(
    required: &Required,
    python: PatchVersion,
    ctx: &Ctx,
) -> anyhow::Result<(Vec<Installed>, Vec<Utf8PathBuf>)> {
    let Required { dir, requirements } = required;
    let path = requirements.lock_path(dir);
    let hint =
        || "run `cargo pywasm install` in the crate, or build with `cargo pywasm build`".to_owned();
    let lock: Option<Lock> = requirements.locked(dir, python.series)?;
    let lock = lock.ok_or_else(|| anyhow::anyhow!("`{path}` does not match the requirements"));
    let chosen = lock.hint(hint)?.choose(python)?;
    let packages = installed(&chosen, ctx)
        .map_err(|it| anyhow::anyhow!("`{}` {} is not in the store", it.name, it.wheel.version()))
        .hint(hint)?;
    let inputs = requirements.files().iter().map(|file| dir.join(file)).chain([path]);
    Ok((packages, inputs.collect()))
}
