//! Reuses object files between builds with the same CPython release, compiler and flags, even if
//! their recipes differ.
//!
//! An object depends only on its source, the toolchain, the flags and `pyconfig.h`. The modules
//! that a recipe selects do not affect objects, because a module is either built or left out as a
//! whole. A test checks that builds with and without reused objects produce the same bytes.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use sha2::{Digest as _, Sha256};

use super::run::BuildPlan;
use crate::tree;
use pywasm_store::Bucket;
use pywasm_store::Ctx;

/// Objects that are never reused: the table of built-in modules, the objects that contain frozen
/// modules, and the objects that this tool adds.
const NEVER: [&str; 9] = [
    "Modules/config.o",
    "Modules/getpath.o",
    "Python/frozen.o",
    "pywasm-ceval.o",
    "pywasm-inittab.o",
    "pywasm-python.o",
    "pywasm-snapshot.o",
    "pywasm-stack.o",
    "pywasm-whole.o",
];

/// The header that every object depends on.
const PYCONFIG: &str = "pyconfig.h";

/// Returns the key of the store entry that contains the objects for this release, toolchain and
/// flags.
fn entry(plan: &BuildPlan<'_>) -> String {
    let build = &plan.recipe.build;
    let mut hash = Sha256::new();
    for part in [
        plan.pin.source.sha256.to_string(),
        pywasm_recipes::changes(plan.pin.series()),
        plan.toolchain.identity.clone(),
        build.opt_level.flag().to_owned(),
        build.docstrings.to_string(),
        build.cflags.join("\n"),
        format!("{:?} {:?} {:?}", build.pymalloc, build.mimalloc, build.files),
        format!("{} {} {}", build.assertions, build.debug_info, build.instrumented),
        format!("{} {:?}", build.lto, build.features),
        plan.training()
            .map(|data| Digest::from_bytes(Sha256::digest(data).into()).to_string())
            .unwrap_or_default(),
        plan.libraries.iter().map(|one| format!("{}\n", one.digest)).collect(),
    ] {
        hash.update(format!("{}\n{part}\n", part.len()));
    }
    let digest = Digest::from_bytes(hash.finalize().into());
    format!("objects-{}-{}", plan.pin.version, digest.short())
}

/// Copies the objects from an earlier build into a configured build directory and returns their
/// number. Copies nothing if the earlier build had a different `pyconfig.h`.
pub(super) fn take(plan: &BuildPlan<'_>, host: &Utf8Path, ctx: &Ctx) -> anyhow::Result<usize> {
    let key = entry(plan);
    let kept = ctx.store.entry(Bucket::Builds, &key);
    let _lock = ctx.store.lock(&key, &ctx.reporter)?;
    take_from(&kept, host)
}

fn take_from(kept: &Utf8Path, host: &Utf8Path) -> anyhow::Result<usize> {
    let header = |dir: &Utf8Path| fs_err::read(dir.join(PYCONFIG));
    if !kept.exists() || header(kept)? != header(host)? {
        return Ok(0);
    }
    let objects = objects(kept)?;
    for object in &objects {
        // The copy is newer than its sources, so make does not recompile it.
        copy(&kept.join(object), &host.join(object))?;
    }
    Ok(objects.len())
}

/// Saves the objects of a finished build for later ones.
pub(super) fn keep(plan: &BuildPlan<'_>, host: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    let key = entry(plan);
    let _lock = ctx.store.lock(&key, &ctx.reporter)?;
    let stage = ctx.store.stage(Bucket::Builds)?;
    keep_in(host, stage.path())?;
    stage.commit(&ctx.store.entry(Bucket::Builds, &key))
}

fn keep_in(host: &Utf8Path, kept: &Utf8Path) -> anyhow::Result<()> {
    for object in objects(host)? {
        copy(&host.join(&object), &kept.join(&object))?;
    }
    copy(&host.join(PYCONFIG), &kept.join(PYCONFIG))
}

/// Returns the relative paths of the reusable objects below a directory, sorted.
fn objects(dir: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    tree::files(dir, |path| path.extension() == Some("o") && !NEVER.contains(&path.as_str()))
}

fn copy(from: &Utf8Path, to: &Utf8Path) -> anyhow::Result<()> {
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    // Do not use `fs::copy`. On some systems, it keeps the old modification time, and make would
    // consider the copy outdated.
    fs_err::write(to, fs_err::read(from)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        for (file, text) in files {
            let path = root.join(file);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        (dir, root)
    }

    const EARLIER: [(&str, &str); 5] = [
        ("pyconfig.h", "same"),
        ("Objects/longobject.o", "long"),
        ("Modules/config.o", "inittab of the earlier recipe"),
        ("Python/frozen.o", "frozen"),
        ("Makefile", "not an object"),
    ];

    #[test]
    fn objects_of_the_recipe_are_not_reused() {
        let (_a, earlier) = build(&EARLIER);
        let (_b, kept) = build(&[]);
        let (_c, host) = build(&[("pyconfig.h", "same")]);
        keep_in(&earlier, &kept).unwrap();
        assert_eq!(take_from(&kept, &host).unwrap(), 1);
        assert_eq!(fs_err::read_to_string(host.join("Objects/longobject.o")).unwrap(), "long");
        assert!(!host.join("Modules/config.o").exists() && !host.join("Python/frozen.o").exists());
    }

    #[test]
    fn objects_of_another_pyconfig_are_not_reused() {
        let (_a, earlier) = build(&EARLIER);
        let (_b, host) = build(&[("pyconfig.h", "another")]);
        assert_eq!(take_from(&earlier, &host).unwrap(), 0);
        assert_eq!(take_from("/nowhere".into(), &host).unwrap(), 0);
    }
}
