//! Checks the toolchain and the store.

use camino::Utf8Path;
use pywasm_recipes::{SdkPin, SdkStatus};
use pywasm_session::display_size;

use super::Check;
use pywasm_session::variables::WASI_SDK_PATH;
use pywasm_store::{Bucket, Ctx, tree_size};

/// The disk space in bytes that `install` needs for the sources, the toolchain, the objects and the
/// installation.
const DISK_NEEDED: u64 = 2_000_000_000;

pub(super) fn toolchain(ctx: &Ctx) -> Check {
    const NAME: &str = "WASI SDK";
    const CURE: &str = "unset WASI_SDK_PATH to fetch a toolchain";
    let Some(path) = ctx.env.path(WASI_SDK_PATH) else {
        return match pywasm_toolchain::installed(ctx).unwrap_or_default().last() {
            Some(found) => Check::ok(NAME, format!("in the store: {}", found.source)),
            None => Check::ok(NAME, "none yet; `install` fetches one"),
        };
    };
    let version = fs_err::read_to_string(path.join("VERSION")).unwrap_or_default();
    let number = version.split('.').next().and_then(|text| text.trim().parse().ok());
    if let Some(SdkPin { status: SdkStatus::Refused(reason), release, .. }) =
        number.and_then(SdkPin::find)
    {
        return Check::missing(
            NAME,
            format!("WASI_SDK_PATH contains release {release}, which is unusable: {reason}"),
            CURE,
        );
    }
    if !path.join("bin/clang").exists() || !path.join("share/wasi-sysroot").exists() {
        let found =
            format!("WASI_SDK_PATH is `{path}`, which lacks bin/clang or share/wasi-sysroot");
        return Check::missing(NAME, found, CURE);
    }
    Check::ok(NAME, format!("WASI_SDK_PATH: {path}"))
}

pub(super) fn store(ctx: &Ctx) -> Check {
    match ctx.store.ensure(Bucket::Staging).and_then(|_| ctx.store.stage(Bucket::Installs)) {
        Ok(_) => Check::ok("store", format!("{} and {}", ctx.store.cache(), ctx.store.data())),
        Err(error) => Check::missing(
            "store",
            format!("{error:#}"),
            "set PYWASM_STORE to a writable directory",
        ),
    }
}

/// Checks the free space. The cache and the installations may be on different disks, so the disk
/// with less free space is checked.
pub(super) fn disk(ctx: &Ctx) -> Check {
    let roots = [ctx.store.cache(), ctx.store.data()];
    match roots.into_iter().filter_map(|path| Some((free_space(path)?, path))).min() {
        Some((bytes, _)) if bytes >= DISK_NEEDED => {
            Check::ok("disk", format!("{} free", display_size(bytes)))
        }
        Some((bytes, path)) => Check::missing(
            "disk",
            format!("only {} free at `{path}`, but 2 GB is needed", display_size(bytes)),
            "free some space, or set PYWASM_STORE to a directory on another disk",
        ),
        None => Check::note("disk", "the free space is unknown", "2 GB is needed"),
    }
}

/// Returns the number of free bytes on the disk that contains a path, or `None` if it is unknown.
#[cfg(unix)]
fn free_space(path: &Utf8Path) -> Option<u64> {
    let existing = path.ancestors().find(|path| path.exists())?;
    let stat = rustix::fs::statvfs(existing.as_std_path()).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_path: &Utf8Path) -> Option<u64> {
    None
}

/// Checks for incomplete entries left by killed runs. The check takes no lock, so it also counts
/// the entries of active runs.
pub(super) fn staging(ctx: &Ctx) -> Check {
    let dirs =
        [ctx.store.bucket(Bucket::Staging), ctx.store.data().join(Bucket::Staging.dir_name())];
    let entries = dirs.iter().filter_map(|dir| dir.read_dir_utf8().ok()).flatten();
    let sizes: Vec<u64> =
        entries.flatten().map(|entry| tree_size(entry.path()).unwrap_or_default()).collect();
    if sizes.is_empty() {
        return Check::ok("staging", "no incomplete entries");
    }
    let size = display_size(sizes.iter().sum::<u64>());
    let found = format!("{} incomplete entries ({size}) from killed or active runs", sizes.len());
    Check::note("staging", found, "`cargo pywasm cache prune` removes entries left by killed runs")
}
