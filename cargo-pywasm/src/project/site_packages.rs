//! Directories of installed packages for the interpreter: like `site-packages`, with bytecode.

use anyhow::Context;
use camino::Utf8Path;
use pywasm_build::Installation;
use pywasm_cpython::freeze::{PACKAGES, Wanted};
use pywasm_cpython::smoke;
use pywasm_packages::{Installed, Requirements, Source};
use pywasm_recipes::{Digest, PatchVersion};
use pywasm_runtime::Dir;
use pywasm_store::{Bucket, Ctx};
use sha2::{Digest as _, Sha256};

use super::{frozen, provide, wheels};
use crate::config::Required;
use crate::installed::name_of;

/// Returns the packages of the crate and of more requirements. The versions of `more` that were
/// resolved first are kept in the store.
///
/// # Errors
/// When the requirements cannot be resolved, or a package cannot be fetched.
pub(crate) fn packages(
    project: Option<&Required>,
    more: &[String],
    python: PatchVersion,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Installed>> {
    let locked = project.map(|required| provide(required, python, ctx)).transpose()?;
    let locked = locked.unwrap_or_default();
    if more.is_empty() {
        return Ok(locked);
    }
    let mut list: Vec<String> = more.iter().map(|text| absolute(text, ctx)).collect();
    // The locked versions stay as they are.
    list.extend(locked.iter().map(|it| match &it.chosen.source {
        Source::Url(_) => format!("{}=={}", it.chosen.name, it.chosen.wheel.version()),
        Source::Path(path) => path.to_string(),
    }));
    list.sort();
    let key = digest(list.iter().map(String::as_str).chain([python.to_string().as_str()]));
    let dir = ctx.store.entry(Bucket::Packages, &format!("lock-{}", key.short()));
    fs_err::create_dir_all(&dir)?;
    let required = Required { dir, requirements: Requirements::List(list) };
    provide(&required, python, ctx)
}

/// Returns a requirement in which the path of a wheel is absolute.
fn absolute(text: &str, ctx: &Ctx) -> String {
    if text.ends_with(".whl") { ctx.cwd.join(text).into_string() } else { text.to_owned() }
}

/// Returns a directory with the files of all packages and their bytecode, mounted where the interpreter
/// expects `site-packages`.
///
/// # Errors
/// When a package needs native code, or two packages contain the same file.
pub(crate) fn site_packages(
    packages: &[Installed],
    python: &Installation,
    ctx: &Ctx,
) -> anyhow::Result<Dir> {
    let roots = packages.iter().map(|package| package.root.as_str());
    let key = digest(roots.chain([name_of(python).as_str()]));
    let dir = ctx.store.entry(Bucket::Packages, &format!("site-{}", key.short()));
    if !dir.is_dir() {
        let _lock = ctx.store.lock("site-packages", &ctx.reporter)?;
        if !dir.is_dir() {
            write(packages, python, &dir, ctx)?;
        }
    }
    let stdlib = smoke::stdlib(python)?;
    Ok(Dir::read_only(&dir, format!("{}/site-packages", stdlib.guest)))
}

fn write(
    packages: &[Installed],
    python: &Installation,
    dir: &Utf8Path,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let wanted = Wanted { wheels: wheels(packages), source: true, ..Wanted::default() };
    ctx.reporter.status("Compiling", "Python packages");
    let frozen = frozen(&wanted, python, ctx)?;
    frozen.warnings.iter().for_each(|warning| ctx.reporter.warn(warning));
    let stage = ctx.store.stage(Bucket::Packages)?;
    for (path, content) in frozen.embedded.contents(PACKAGES) {
        let path = stage.path().join(path);
        fs_err::create_dir_all(path.parent().context("a file has no directory")?)?;
        fs_err::write(&path, content)?;
    }
    stage.commit(dir)
}

fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    Digest::from_bytes(hash.finalize().into())
}
