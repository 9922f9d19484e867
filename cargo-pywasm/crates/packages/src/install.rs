//! Fetches and unpacks the chosen wheels.

use camino::Utf8PathBuf;
use pywasm_store::fetch::{Location, Wanted, fetch, mirror_locations};
use pywasm_store::{Bucket, Ctx};

use crate::wheel::unpack;
use crate::{Chosen, Source};

/// A package in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The wheel.
    pub chosen: Chosen,
    /// The directory with the files of the wheel, as in `site-packages`.
    pub root: Utf8PathBuf,
}

/// Returns the packages, after fetching and unpacking those that are not in the store.
///
/// # Errors
/// When a wheel cannot be fetched, has a wrong digest or is refused.
pub fn install(chosen: &[Chosen], ctx: &Ctx) -> anyhow::Result<Vec<Installed>> {
    chosen.iter().map(|one| install_one(one, ctx)).collect()
}

/// Returns the packages, or the first one that is not in the store.
///
/// # Errors
/// The package that is not in the store.
pub fn installed<'a>(chosen: &'a [Chosen], ctx: &Ctx) -> Result<Vec<Installed>, &'a Chosen> {
    let entry = |one: &'a Chosen| {
        let root = root(one, ctx);
        if root.is_dir() { Ok(Installed { chosen: one.clone(), root }) } else { Err(one) }
    };
    chosen.iter().map(entry).collect()
}

fn root(chosen: &Chosen, ctx: &Ctx) -> Utf8PathBuf {
    let key = format!("{}-{}", &chosen.sha256.to_string()[..16], chosen.wheel.stem());
    ctx.store.entry(Bucket::Packages, &key)
}

fn install_one(chosen: &Chosen, ctx: &Ctx) -> anyhow::Result<Installed> {
    let installed = Installed { chosen: chosen.clone(), root: root(chosen, ctx) };
    // No lock is taken here, because an entry appears only when it is complete.
    if installed.root.is_dir() {
        return Ok(installed);
    }
    let wanted =
        Wanted { file: chosen.wheel.to_string(), sha256: chosen.sha256, size: chosen.size };
    let mut locations = vec![match &chosen.source {
        Source::Url(url) => Location::new("lock", url),
        Source::Path(path) => Location::file("lock", path),
    }];
    locations.extend(mirror_locations(&wanted, &ctx.env));
    let wheel = fetch(&wanted, &locations, ctx)?;
    let _lock = ctx.store.lock(&format!("package-{}", chosen.sha256.short()), &ctx.reporter)?;
    if !installed.root.is_dir() {
        unpack(&wheel, &chosen.wheel, &installed.root, ctx)?;
        ctx.reporter.status("Unpacked", format!("{} {}", chosen.name, chosen.wheel.version()));
    }
    Ok(installed)
}
