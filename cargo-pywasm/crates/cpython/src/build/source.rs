//! CPython's source tree, unpacked into the store once.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::CpythonPin;

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

    /// Returns the path of upstream's config.site, which is in `Tools/wasm` in CPython 3.13 and in
    /// `Tools/wasm/wasi` in 3.14.
    pub(super) fn config_site(&self) -> Option<Utf8PathBuf> {
        ["Tools/wasm/wasi/config.site-wasm32-wasi", "Tools/wasm/config.site-wasm32-wasi"]
            .into_iter()
            .map(|file| self.root.join(file))
            .find(|path| path.exists())
    }
}

/// Returns the path of a release's source tree in the store. The tree need not exist.
#[must_use]
pub fn place(pin: &CpythonPin, ctx: &Ctx) -> Utf8PathBuf {
    // The digest distinguishes different tarballs of the same version.
    let key = format!("cpython-{}-{}", pin.version, pin.source.sha256.short());
    ctx.store.entry(Bucket::Sources, &key)
}

/// Returns the source tree of a release. If the store does not contain the tree, unpacks the
/// verified tarball first.
///
/// # Errors
/// When the archive is refused, or the store cannot be written.
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
