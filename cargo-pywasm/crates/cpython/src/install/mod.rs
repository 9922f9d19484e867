//! Turns a request into an installation: fetches the sources, builds CPython, assembles and
//! verifies the installation, and moves it into the store.
//!
//! An installation appears in the store through a single rename, under a lock. After an
//! interruption, the next run continues with the intermediate results in the store.

mod archive;
mod assemble;
mod audit;
mod details;
mod licenses;
mod local;
mod macros;
mod manifest;
mod missing;
mod objects;
mod plan;
mod release;
mod request;
mod sbom;
mod sigstore;
mod stdlib;

pub use local::Local;
pub use manifest::{Input, Manifest};
pub use plan::{Plan, PlannedStep, StepState};
use release::BuiltFrom;
pub use release::{Evidence, Release};
pub use request::{Request, RequestKey};
pub(crate) use stdlib::copy_dir;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Artifact, CpythonPin, cpython_pins};

use crate::build::{BuildPlan, Origin, SourceTree, build, ensure_source, is_usable_by_make};
use crate::libraries;
use crate::smoke;
use pywasm_runtime::Runtime;
use pywasm_session::WithHint;
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch;
use pywasm_store::fetch::Verified;
use pywasm_toolchain::{Needs, apt};

/// The outcome of [`install`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The installation's directory.
    pub root: Utf8PathBuf,
    /// True if the installation already existed.
    pub fresh: bool,
}

/// Ensures that the store contains the requested installation.
///
/// # Errors
/// When a download, a digest check, a tool, a build step or the final check fails. In that case,
/// nothing is installed.
pub fn install(request: &Request<'_>, force: bool, ctx: &Ctx) -> anyhow::Result<Installed> {
    if !force && let Some(root) = request.find_installed(ctx)? {
        return Ok(Installed { root, fresh: true });
    }
    let lock = ctx.store.lock(&format!("install-{}", request.name()), &ctx.reporter)?;
    // Another process may have built the installation while this process waited for the lock.
    if !force && let Some(root) = request.find_installed(ctx)? {
        return Ok(Installed { root, fresh: true });
    }
    if !request.pin.tested {
        let version = request.pin.version;
        ctx.reporter.warn(format!("cargo-pywasm's tests do not build this CPython {version}"));
    }
    let needs = Needs::of(request.pin, &request.recipe.build);
    let toolchain = pywasm_toolchain::resolve(&request.toolchain, needs, ctx)?;
    let mut inputs: Vec<Input> = toolchain.inputs.iter().map(Input::from).collect();
    let source = source_tree(request, &mut inputs, ctx)?;
    let key = request.key(&toolchain);
    let builds = ctx.store.ensure(Bucket::Builds)?;
    [builds.as_path(), &toolchain.root].into_iter().try_for_each(is_usable_by_make)?;
    let libraries = libraries::compile(&request.libraries, &toolchain, ctx)?;
    inputs.extend(libraries.iter().map(|one| Input::from(&one.input)));
    let runtime = Runtime::new(ctx)?;

    let work = builds.join(format!("{}-{}", request.name(), key.short()));
    let plan = BuildPlan {
        recipe: request.recipe,
        pin: request.pin,
        source: &source,
        toolchain: &toolchain,
        libraries: &libraries,
        build_python: &request.build_python,
        seeded: request.seeded,
    };
    let built = build(&plan, &work, &lock, &runtime, ctx)?;

    ctx.reporter.status("Assembling", format!("{}-{}", request.name(), key.short()));
    let root = ctx.store.entry(Bucket::Installs, &format!("{}-{}", request.name(), key.short()));
    let stage = ctx.store.stage(Bucket::Installs)?;
    let parts = assemble::Parts {
        request,
        key: &key,
        toolchain: &toolchain,
        source: &source,
        libraries: &libraries,
        built: &built,
        inputs: &inputs,
        lock: &lock,
        final_root: &root,
    };
    assemble::assemble(&parts, stage.path(), &work.join("logs"), &runtime, ctx)?;
    verify(stage.path(), ctx)?;
    stage.commit(&root)?;
    // Keep the logs, but delete the objects.
    fs_err::remove_dir_all(&built.dir)?;
    Ok(Installed { root, fresh: false })
}

fn source_tree(
    request: &Request<'_>,
    inputs: &mut Vec<Input>,
    ctx: &Ctx,
) -> anyhow::Result<SourceTree> {
    let origin = || match request.local {
        None => Ok(Origin::Tarball(fetch_source(request.pin, ctx)?)),
        Some(local) => Ok(match local.tarball(ctx)? {
            Some(tarball) => Origin::Tarball(tarball),
            None => Origin::Directory(local.path.clone()),
        }),
    };
    let source = ensure_source(request.pin, origin, ctx)?;
    let artifact = &request.pin.source;
    inputs.push(Input {
        file: artifact.file.clone(),
        sha256: artifact.sha256,
        from: source.from(),
    });
    Ok(source)
}

/// Returns the sources from which an installation was built. If they are pinned and no longer in the
/// store, fetches them.
///
/// # Errors
/// When the sources are not available.
pub fn sources_of(python: &pywasm_build::Installation, ctx: &Ctx) -> anyhow::Result<SourceTree> {
    let BuiltFrom { file, sha256, .. } = BuiltFrom::of(python)
        .with_context(|| {
            format!("an earlier version of this tool built `{}`", python.root().display())
        })
        .hint(|| "install it again with `cargo pywasm install`".to_owned())?;
    let version = python.version().parse()?;
    if let Some(pin) = cpython_pins().iter().find(|pin| pin.source.sha256 == sha256) {
        return pinned_source(pin, ctx);
    }
    let source = Artifact { file, sha256, size: None, url: String::new(), debian_source: None };
    let pin = CpythonPin::unpinned(version, source).context("the series is not supported")?;
    let missing =
        || anyhow::anyhow!("the sources of `{}` are not in the store", python.root().display());
    ensure_source(&pin, || Err(missing()), ctx)
        .hint(|| "run `cargo pywasm install --force` with the same options again".to_owned())
}

/// Returns the patched source tree of a release. If it is not in the store, fetches the tarball.
///
/// # Errors
/// When the tarball is not available, or the patch does not apply.
pub fn pinned_source(pin: &CpythonPin, ctx: &Ctx) -> anyhow::Result<SourceTree> {
    ensure_source(pin, || Ok(Origin::Tarball(fetch_source(pin, ctx)?)), ctx)
}

/// Fetches the tarball from upstream, the mirror, or the machine's package archives.
pub fn fetch_source(pin: &CpythonPin, ctx: &Ctx) -> anyhow::Result<Verified> {
    let artifact = &pin.source;
    let archives = apt::archives(ctx);
    fetch::fetch(&artifact.into(), &fetch::locations(artifact, &ctx.env, &archives), ctx)
}

/// Checks the new interpreter while it is still in the staging directory.
fn verify(root: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    let python = pywasm_build::Installation::open(root)?;
    let report = smoke::check(&python, ctx).context("the new interpreter does not work")?;
    ctx.reporter.status("Verified", report.to_string());
    Ok(())
}

fn write_json(path: &Utf8Path, value: &serde_json::Value) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    fs_err::write(path, text)?;
    Ok(())
}
