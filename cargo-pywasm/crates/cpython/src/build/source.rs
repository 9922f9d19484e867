//! CPython's source tree, unpacked into the store once.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use diffy::patch_set::{ParseOptions, PatchSet};
use pywasm_recipes::{CpythonPin, Digest, additions, changes, patch};
use sha2::{Digest as _, Sha256};

use crate::tree;
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch::Verified;
use pywasm_store::unpack::{Limits, unpack_tar};

/// The file in the tree that records where the tarball came from.
const FROM: &str = ".pywasm-from";

/// An unpacked source tree. Builds never write to it.
#[derive(Clone, Debug)]
pub struct SourceTree {
    root: Utf8PathBuf,
}

impl SourceTree {
    /// Returns the root directory, which contains `configure`.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Returns the URL or path that the tarball came from, or `store` if that is unknown.
    #[must_use]
    pub fn from(&self) -> String {
        fs_err::read_to_string(self.root.join(FROM)).unwrap_or_else(|_| "store".to_owned())
    }

    /// Returns the directory of the standard library, which includes the test suite.
    #[must_use]
    pub fn lib(&self) -> Utf8PathBuf {
        self.root.join("Lib")
    }

    /// Returns the path of upstream's config.site, which is in `Tools/wasm` in CPython 3.13, in
    /// `Tools/wasm/wasi` in 3.14, and in `Platforms/WASI` since 3.15.
    pub(super) fn config_site(&self) -> Option<Utf8PathBuf> {
        ["Platforms/WASI", "Tools/wasm/wasi", "Tools/wasm"]
            .into_iter()
            .map(|dir| self.root.join(dir).join("config.site-wasm32-wasi"))
            .find(|path| path.exists())
    }
}

/// Returns the path of a release's source tree in the store. The tree need not exist.
#[must_use]
pub fn place(pin: &CpythonPin, ctx: &Ctx) -> Utf8PathBuf {
    // The digest distinguishes different tarballs and changes of the same version.
    let mut hash = Sha256::new();
    hash.update(pin.source.sha256.to_string());
    hash.update(changes(pin.series()));
    let digest = Digest::from_bytes(hash.finalize().into());
    let key = format!("cpython-{}-{}", pin.version, digest.short());
    ctx.store.entry(Bucket::Sources, &key)
}

/// The origin of a source tree.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A tarball.
    Tarball(Verified),
    /// A directory of the user.
    Directory(Utf8PathBuf),
}

/// Returns the source tree of a release. If the store does not contain the tree, unpacks the
/// verified tarball or copies the directory first, applies the patch of the series and adds files.
///
/// # Errors
/// When the archive is refused, the patch does not apply, or the store cannot be written.
pub fn ensure_source(
    pin: &CpythonPin,
    origin: impl FnOnce() -> anyhow::Result<Origin>,
    ctx: &Ctx,
) -> anyhow::Result<SourceTree> {
    let root = place(pin, ctx);
    if root.exists() {
        return Ok(SourceTree { root });
    }
    let _lock = ctx.store.lock(&format!("source-{}", pin.version), &ctx.reporter)?;
    if !root.exists() {
        let origin = origin()?;
        let stage = ctx.store.stage(Bucket::Sources)?;
        let from = match origin {
            Origin::Tarball(tarball) => {
                ctx.reporter.status("Unpacking", &pin.source.file);
                unpack_tar(&tarball, stage.path(), 1, &Limits::default())?;
                tarball.from().to_owned()
            }
            Origin::Directory(dir) => {
                ctx.reporter.status("Copying", &dir);
                for path in tree::sources(&dir)? {
                    let target = stage.path().join(&path);
                    fs_err::create_dir_all(target.parent().unwrap_or(stage.path()))?;
                    fs_err::copy(dir.join(path), target)?;
                }
                // The digest was computed before, from the files in the directory.
                anyhow::ensure!(
                    tree::digest(stage.path(), &tree::sources(stage.path())?)? == pin.source.sha256,
                    "`{dir}` has changed while it was copied"
                );
                dir.into_string()
            }
        };
        if let Some(patch) = patch(pin.series()) {
            apply(patch, stage.path())
                .with_context(|| format!("cannot patch CPython {}", pin.version))?;
        }
        for (path, text) in additions() {
            fs_err::write(stage.path().join(path), text)?;
        }
        fs_err::write(stage.path().join(FROM), from)?;
        stage.commit(&root)?;
    }
    Ok(SourceTree { root })
}

/// Applies a patch in git's format to the files in a directory.
fn apply(patch: &str, dir: &Utf8Path) -> anyhow::Result<()> {
    for file in PatchSet::parse(patch, ParseOptions::gitdiff()) {
        let file = file.context("the patch has an invalid format")?;
        let operation = file.operation().strip_prefix(1);
        let (diffy::patch_set::FileOperation::Modify { modified, .. }, Some(hunks)) =
            (&operation, file.patch().as_text())
        else {
            anyhow::bail!("the patch does more than to change text files");
        };
        let path = dir.join(modified.as_ref());
        let patched = diffy::apply(&fs_err::read_to_string(&path)?, hunks)
            .with_context(|| format!("the patch does not apply to `{path}`"))?;
        fs_err::write(path, patched)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Why\n\ndiff --git a/Python/a.c b/Python/a.c\n--- a/Python/a.c\n\
        +++ b/Python/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    fn patched(text: &str) -> anyhow::Result<String> {
        let dir = tempfile::tempdir()?;
        let dir = Utf8Path::from_path(dir.path()).context("a path in UTF-8")?;
        fs_err::create_dir(dir.join("Python"))?;
        fs_err::write(dir.join("Python/a.c"), text)?;
        apply(PATCH, dir)?;
        Ok(fs_err::read_to_string(dir.join("Python/a.c"))?)
    }

    #[test]
    fn patch_applies_at_other_lines() {
        assert_eq!(patched("zero\none\ntwo\nthree\n").unwrap(), "zero\none\n2\nthree\n");
    }

    #[test]
    fn patch_for_another_text_names_the_file() {
        let error = format!("{:#}", patched("one\nthree\n").unwrap_err());
        assert!(error.contains("does not apply") && error.contains("Python/a.c"), "{error}");
    }

    #[test]
    fn every_patch_has_a_reason_and_files() {
        for pin in pywasm_recipes::cpython_pins() {
            let patch = patch(pin.series()).expect("a patch for each series");
            assert!(!patch.starts_with("diff"), "{}", pin.version);
            let files = PatchSet::parse(patch, ParseOptions::gitdiff());
            assert!(files.collect::<Result<Vec<_>, _>>().is_ok_and(|files| files.len() > 3));
        }
    }
}
