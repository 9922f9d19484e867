//! Binaryen's `wasm-opt`, for machines without one: the pinned release, or else the newest one in
//! the machine's own signed package archives.
//!
//! A file with a wrong digest ends the search with an error.

use std::fmt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Artifact, HostPlatform, binaryen_pin};
use pywasm_session::WithHint;
use pywasm_store::fetch::{fetch, locations};
use pywasm_store::unpack::{Limits, unpack_tar_part};
use pywasm_store::{Bucket, Ctx};
use serde::Serialize;

use super::bundle;
use super::run::call;
use super::source::{NotPinned, Remote, Skipped, listed, search};
use super::survey::choose_newest;
use crate::apt::{self, SuitePackages};

/// The path of `wasm-opt` in the directory of an installed Binaryen.
const PROGRAM: &str = "bin/wasm-opt";
/// The prefix that precedes [`KEY`] in the store key of a tree that was unpacked from packages.
const PACKAGES: &str = "packages-";
/// The prefix of the store keys of releases.
const KEY: &str = "binaryen-";

/// The requested source of `wasm-opt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum BinaryenRequest {
    /// The first available source
    #[default]
    Auto,
    /// Only the pinned release
    Official,
    /// Only the machine's own package archives
    Packages,
}

/// The sources of `wasm-opt`, in order of preference. The release comes first, because it is the
/// same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryenSource {
    /// The pinned release.
    Official,
    /// Packages of the machine's distribution.
    Packages,
}

/// A Binaryen in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binaryen {
    /// Its directory.
    pub root: Utf8PathBuf,
    /// Its source.
    pub source: BinaryenSource,
    /// The version of Binaryen, which is a single number.
    pub release: u32,
}

impl fmt::Display for Binaryen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            BinaryenSource::Official => write!(f, "Binaryen {}", self.release),
            BinaryenSource::Packages => {
                write!(f, "packages of this distribution: Binaryen {}", self.release)
            }
        }
    }
}

impl BinaryenRequest {
    fn remotes(self) -> &'static [Remote] {
        match self {
            Self::Auto => Remote::ALL,
            Self::Official => &[Remote::Official],
            Self::Packages => &[Remote::Packages],
        }
    }

    fn accepts(self, source: BinaryenSource) -> bool {
        match self {
            Self::Auto => true,
            Self::Official => source == BinaryenSource::Official,
            Self::Packages => source == BinaryenSource::Packages,
        }
    }
}

impl Binaryen {
    /// Returns the path of `wasm-opt`.
    #[must_use]
    pub fn program(&self) -> Utf8PathBuf {
        self.root.join(PROGRAM)
    }

    /// Returns every usable Binaryen in the store, best first: the pinned release, followed by
    /// those from packages, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn installed(ctx: &Ctx) -> anyhow::Result<Vec<Self>> {
        let keys = ctx.store.keys(Bucket::Toolchains)?;
        let pinned = artifact().ok().map(official_key);
        let mut found: Vec<Self> = keys.iter().filter_map(|key| Self::of_key(key, ctx)).collect();
        // Ignore other releases, which other versions of this tool have pinned.
        found.retain(|it| {
            it.source == BinaryenSource::Packages || it.root.file_name() == pinned.as_deref()
        });
        found.sort_by_key(|it| (it.source, std::cmp::Reverse(it.release)));
        Ok(found)
    }

    /// Returns a Binaryen from the store, or installs one into it.
    ///
    /// # Errors
    /// When no source is available, a file has a wrong digest, or the unpacked program does not
    /// work on this machine.
    pub fn install(request: BinaryenRequest, ctx: &Ctx) -> anyhow::Result<Self> {
        // No lock is taken here, because an entry appears only when it is complete, and because the
        // store may be read-only.
        if let Some(found) = Self::from_store(request, ctx)? {
            return Ok(found.reported("in the store", ctx));
        }
        if ctx.offline {
            return Err(anyhow::anyhow!(
                "the store has no suitable `wasm-opt`, and --offline is set"
            ))
            .hint(|| "run `cargo pywasm toolchain wasm-opt` once without --offline".to_owned());
        }
        let _lock = ctx.store.lock("toolchains", &ctx.reporter)?;
        // Another process may have installed Binaryen while this one waited for the lock.
        if let Some(found) = Self::from_store(request, ctx)? {
            return Ok(found.reported("in the store", ctx));
        }
        let mut skipped = Vec::new();
        let install = |source, _: &[Skipped]| match source {
            Remote::Official => official(artifact()?, ctx),
            Remote::Packages => packages(ctx),
        };
        let failed = |source| match source {
            Remote::Official => format!("cannot install Binaryen {}", binaryen_pin().release),
            Remote::Packages => "cannot install `wasm-opt` from package archives".to_owned(),
        };
        let found = search(request.remotes(), &mut skipped, install, failed)?;
        let Some(binaryen) = found else {
            return Err(anyhow::anyhow!("no usable `wasm-opt` found{}", listed(&skipped))).hint(
                || {
                    "set PYWASM_WASM_OPT to the path of `wasm-opt`, or PYWASM_MIRROR to a mirror"
                        .to_owned()
                },
            );
        };
        for it in &skipped {
            let text =
                format!("skipped `{}` as the source of `wasm-opt`: {}", it.source, it.reason);
            ctx.reporter.note(text);
        }
        Ok(binaryen.reported("new in the store", ctx))
    }

    /// Returns the best Binaryen in the store that the request accepts and that works. A Binaryen
    /// that does not work, for example because the store was damaged, is ignored, so that it is
    /// installed again.
    fn from_store(request: BinaryenRequest, ctx: &Ctx) -> anyhow::Result<Option<Self>> {
        let mut found = Self::installed(ctx)?;
        found.retain(|it| request.accepts(it.source) && check(&it.root).is_ok());
        Ok(found.into_iter().next())
    }

    fn of_key(key: &str, ctx: &Ctx) -> Option<Self> {
        let (source, rest) = match key.strip_prefix(PACKAGES) {
            Some(rest) => (BinaryenSource::Packages, rest),
            None => (BinaryenSource::Official, key),
        };
        let (release, _) = rest.strip_prefix(KEY)?.split_once('-')?;
        let root = ctx.store.entry(Bucket::Toolchains, key);
        Some(Self { root, source, release: release.parse().ok()? })
    }

    fn reported(self, origin: &str, ctx: &Ctx) -> Self {
        ctx.reporter.status("Using", format!("{self} ({origin})"));
        self
    }
}

/// Returns the archive of the pinned release for this machine.
fn artifact() -> Result<&'static Artifact, NotPinned> {
    let pin = binaryen_pin();
    HostPlatform::of(std::env::consts::OS, std::env::consts::ARCH)
        .and_then(|host| pin.hosts.get(&host))
        .ok_or_else(|| NotPinned(format!("Binaryen {}", pin.release)))
}

fn official_key(artifact: &Artifact) -> String {
    format!("{KEY}{}-{}", binaryen_pin().release, artifact.sha256.short())
}

fn packages_key(binaryen: &SuitePackages) -> String {
    let digest = bundle::digest(binaryen);
    format!("{PACKAGES}{KEY}{}-{}", binaryen.upstream(), digest.short())
}

/// Installs the pinned release.
fn official(artifact: &Artifact, ctx: &Ctx) -> anyhow::Result<Binaryen> {
    let archive = fetch(&artifact.into(), &locations(artifact, &ctx.env, &[]), ctx)?;
    ctx.reporter.status("Unpacking", &artifact.file);
    // Unpack only the program and its shared library, if any. This is a fifth of the archive.
    let mut select = |path: &Utf8Path| {
        let library = path.starts_with("lib") && path.extension() != Some("a");
        (path == PROGRAM || library).then(|| path.to_owned())
    };
    create(&official_key(artifact), ctx, |tree| {
        unpack_tar_part(&archive, tree, 1, &mut select, &Limits::default())?;
        Ok(())
    })
}

/// Installs the newest version from the machine's package archives.
fn packages(ctx: &Ctx) -> anyhow::Result<Binaryen> {
    ctx.reporter.status("Resolving", "Binaryen in this machine's package archives");
    let what = "complete Binaryen 108 or later";
    let found = choose_newest(what, &apt::is_part_of_binaryen, apt::choose_binaryen, ctx)?;
    let debs = bundle::fetch_all(&found, ctx)?;
    ctx.reporter.status("Unpacking", format!("Binaryen {}", found.version));
    create(&packages_key(&found), ctx, |tree| {
        bundle::unpack(&debs, tree, destination)?;
        let program = "\"$root/host/bin/wasm-opt\"";
        bundle::write_launcher(&bundle::loader(tree)?, "/..", program, &tree.join(PROGRAM))
    })
}

/// Fills and checks a staged entry of the store, then commits it.
fn create(
    key: &str,
    ctx: &Ctx,
    fill: impl FnOnce(&Utf8Path) -> anyhow::Result<()>,
) -> anyhow::Result<Binaryen> {
    let binaryen = Binaryen::of_key(key, ctx)
        .with_context(|| format!("the store key `{key}` contains no Binaryen version"))?;
    let stage = ctx.store.stage(Bucket::Toolchains)?;
    fill(stage.path())?;
    check(stage.path()).context("the unpacked `wasm-opt` does not work on this machine")?;
    stage.commit(&binaryen.root)?;
    Ok(binaryen)
}

/// Returns the path in the tree for a file of a package, or `None` if the file is not needed.
fn destination(package: &str, path: &Utf8Path) -> Option<Utf8PathBuf> {
    if path == "usr/bin/wasm-opt" {
        return Some("host/bin/wasm-opt".into());
    }
    bundle::destination(package, path, &["libbinaryen.so"])
}

/// Checks that the program runs and prints a version.
fn check(tree: &Utf8Path) -> anyhow::Result<()> {
    let program = tree.join(PROGRAM);
    let printed = call(&program, &["--version"], tree)?;
    version(&printed).with_context(|| format!("`{program}` does not print a version"))?;
    Ok(())
}

/// Returns the version that `wasm-opt --version` printed, or `None` if the text was printed by a
/// different program.
pub fn version(printed: &str) -> Option<&str> {
    let line = printed.lines().next()?.trim();
    line.starts_with("wasm-opt version ").then_some(line)
}

#[cfg(test)]
mod tests;
