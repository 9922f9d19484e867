//! CPython's source tree, unpacked once into the store.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::CpythonPin;

use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch::Verified;
use pywasm_store::unpack::{Limits, unpack_tar};

/// A note beside CPython's own files: where the tarball came from.
const FROM: &str = ".pywasm-from";

/// An unpacked source tree. Builds happen outside it and never write to it.
#[derive(Clone, Debug)]
pub struct SourceTree {
    root: Utf8PathBuf,
}

impl SourceTree {
    /// The directory that holds `configure`.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Where its tarball came from, or `store` when it lay there already.
    #[must_use]
    pub fn from(&self) -> String {
        // A tree that was unpacked without the note is known by its digest all the same.
        fs_err::read_to_string(self.root.join(FROM)).unwrap_or_else(|_| "store".to_owned())
    }

    /// The standard library with its test suite.
    #[must_use]
    pub fn lib(&self) -> Utf8PathBuf {
        self.root.join("Lib")
    }

    /// What upstream's own build of this tree answers for configure: 3.13 keeps it
    /// in `Tools/wasm`, 3.14 one directory below.
    pub(super) fn config_site(&self) -> Option<Utf8PathBuf> {
        ["Tools/wasm/wasi/config.site-wasm32-wasi", "Tools/wasm/config.site-wasm32-wasi"]
            .into_iter()
            .map(|file| self.root.join(file))
            .find(|path| path.exists())
    }
}

/// The place of a release's tree in the store, whether it is there or not.
#[must_use]
pub fn place(pin: &CpythonPin, ctx: &Ctx) -> Utf8PathBuf {
    // The digest is part of the name: two tarballs of one version are two trees.
    let key = format!("cpython-{}-{}", pin.version, pin.source.sha256.short());
    ctx.store.entry(Bucket::Sources, &key)
}

/// The tree, unpacked from a verified tarball when it is not in the store yet.
///
/// # Errors
/// When the archive is refused, or the store can't be written.
pub fn ensure_source(
    pin: &CpythonPin,
    tarball: impl FnOnce() -> anyhow::Result<Verified>,
    ctx: &Ctx,
) -> anyhow::Result<SourceTree> {
    let root = place(pin, ctx);
    if root.exists() {
        return Ok(SourceTree { root });
    }
    let _lock = ctx.store.lock(&format!("source-{}", pin.version), &ctx.reporter)?;
    if !root.exists() {
        let tarball = tarball()?;
        ctx.reporter.status("Unpacking", &pin.source.file);
        let stage = ctx.store.stage(Bucket::Sources)?;
        unpack_tar(&tarball, stage.path(), 1, &Limits::default())?;
        fs_err::write(stage.path().join(FROM), tarball.from())?;
        stage.commit(&root)?;
    }
    Ok(SourceTree { root })
}
