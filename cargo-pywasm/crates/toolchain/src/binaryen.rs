//! Binaryen's optimizer, where the machine has none: the pinned release, or else the newest of the
//! machine's own signed package archives. Nothing is installed.
//!
//! A file that is not what its digest says ends the search: that is an error, never a reason to go on.

use std::fmt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Artifact, HostPlatform, binaryen_pin};
use serde::Serialize;

use super::choice::choose_newest;
use super::foreign;
use super::official::NotPinned;
use super::prove::call;
use super::resolve::{is_closed_road, is_tampered, listed, passed};
use crate::apt::{self, SuitePackages};
use pywasm_session::{WithHint, one_line};
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch::{fetch, places};
use pywasm_store::unpack::{Limits, unpack_tar_part};

/// Where the program stands in every tree.
const PROGRAM: &str = "bin/wasm-opt";
/// How the keys of those from packages begin; releases have the second half alone.
const PACKAGES: &str = "packages-";
const KEY: &str = "binaryen-";

/// Which one is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum BinaryenRequest {
    /// The first road that works
    #[default]
    Auto,
    /// The pinned release and nothing else
    Official,
    /// The machine's own package archives and nothing else
    Packages,
}

/// Where one came from. The release is preferred: it is the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The pinned release.
    Official,
    /// Packages of the machine's own distribution.
    Packages,
}

/// Binaryen's optimizer in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Binaryen {
    /// Its directory.
    pub root: Utf8PathBuf,
    /// Where it came from.
    pub origin: Origin,
    /// Its version: a number.
    pub release: u32,
}

impl fmt::Display for Binaryen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::Official => write!(f, "Binaryen {}", self.release),
            Origin::Packages => {
                write!(f, "packages of this distribution: Binaryen {}", self.release)
            }
        }
    }
}

impl Binaryen {
    /// The program.
    #[must_use]
    pub fn program(&self) -> Utf8PathBuf {
        self.root.join(PROGRAM)
    }

    /// Those in the store, the best first: the pinned release, then packages, the newest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn installed(ctx: &Ctx) -> anyhow::Result<Vec<Self>> {
        let keys = ctx.store.keys(Bucket::Toolchains)?;
        let pinned = artifact().ok().map(official_key);
        let mut found: Vec<Self> = keys.iter().filter_map(|key| Self::of_key(key, ctx)).collect();
        // What an older version of this tool has pinned is not what is meant.
        found
            .retain(|it| it.origin == Origin::Packages || it.root.file_name() == pinned.as_deref());
        found.sort_by_key(|it| (it.origin, std::cmp::Reverse(it.release)));
        Ok(found)
    }

    /// The one that answers the request: that of the store, else it is fetched and unpacked.
    ///
    /// # Errors
    /// When every road is closed, with the reason of each; when a file is not what its digest says,
    /// or what comes out does not work here.
    pub fn install(request: BinaryenRequest, ctx: &Ctx) -> anyhow::Result<Self> {
        // Without the lock: an entry appears by rename, and a store may be read-only.
        if let Some(found) = Self::from_store(request, ctx)? {
            return Ok(found.used("in the store", ctx));
        }
        if ctx.offline {
            return Err(anyhow::anyhow!(
                "the store has no `wasm-opt` that fits, and --offline is set"
            ))
            .hint(|| "run `cargo pywasm toolchain wasm-opt` once with the network".to_owned());
        }
        let _lock = ctx.store.lock("toolchains", &ctx.reporter)?;
        // Another process may have made one while this one waited.
        if let Some(found) = Self::from_store(request, ctx)? {
            return Ok(found.used("in the store", ctx));
        }
        let mut roads = Vec::new();
        if request != BinaryenRequest::Packages {
            match artifact().map_err(anyhow::Error::from).and_then(|it| official(it, ctx)) {
                Ok(made) => return Ok(made.used("new in the store", ctx)),
                Err(error) if request == BinaryenRequest::Official || !is_closed_road(&error) => {
                    return Err(error).with_context(|| {
                        format!("Binaryen {} can't be had", binaryen_pin().release)
                    });
                }
                Err(error) => roads.push(passed("official", &one_line(&error))),
            }
        }
        match packages(ctx) {
            Ok(made) => {
                for road in &roads {
                    ctx.reporter
                        .note(format!("`wasm-opt` not from {}: {}", road.road, road.reason));
                }
                Ok(made.used("new in the store", ctx))
            }
            Err(error) if request == BinaryenRequest::Packages || is_tampered(&error) => {
                Err(error).context("the machine's package archives give no `wasm-opt`")
            }
            Err(error) => {
                roads.push(passed("packages", &one_line(&error)));
                Err(anyhow::anyhow!("no road leads to `wasm-opt`{}", listed(&roads))).hint(|| {
                    "name one by PYWASM_WASM_OPT, or a mirror of the archive by PYWASM_MIRROR"
                        .to_owned()
                })
            }
        }
    }

    /// The best that answers the request and works: what a moved or broken store has is made anew.
    fn from_store(request: BinaryenRequest, ctx: &Ctx) -> anyhow::Result<Option<Self>> {
        let is_wanted = |origin| match request {
            BinaryenRequest::Auto => true,
            BinaryenRequest::Official => origin == Origin::Official,
            BinaryenRequest::Packages => origin == Origin::Packages,
        };
        let mut found = Self::installed(ctx)?;
        found.retain(|it| is_wanted(it.origin) && prove(&it.root).is_ok());
        Ok(found.into_iter().next())
    }

    fn of_key(key: &str, ctx: &Ctx) -> Option<Self> {
        let (origin, rest) = match key.strip_prefix(PACKAGES) {
            Some(rest) => (Origin::Packages, rest),
            None => (Origin::Official, key),
        };
        let (release, _) = rest.strip_prefix(KEY)?.split_once('-')?;
        let root = ctx.store.entry(Bucket::Toolchains, key);
        Some(Self { root, origin, release: release.parse().ok()? })
    }

    fn used(self, whence: &str, ctx: &Ctx) -> Self {
        ctx.reporter.status("Using", format!("{self} ({whence})"));
        self
    }
}

/// The archive for this machine.
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
    let digest = foreign::digest(binaryen);
    format!("{PACKAGES}{KEY}{}-{}", binaryen.upstream(), digest.short())
}

/// The pinned release.
fn official(artifact: &Artifact, ctx: &Ctx) -> anyhow::Result<Binaryen> {
    let archive = fetch(&artifact.into(), &places(artifact, &ctx.env, &[]), ctx)?;
    ctx.reporter.status("Unpacking", &artifact.file);
    // A fifth of it: the program, and its library where that is a shared one.
    let mut select = |path: &Utf8Path| {
        let library = path.starts_with("lib") && path.extension() != Some("a");
        (path == PROGRAM || library).then(|| path.to_owned())
    };
    make(&official_key(artifact), ctx, |tree| {
        unpack_tar_part(&archive, tree, 1, &mut select, &Limits::default())?;
        Ok(())
    })
}

/// The newest of the machine's package archives.
fn packages(ctx: &Ctx) -> anyhow::Result<Binaryen> {
    ctx.reporter.status("Resolving", "Binaryen in this machine's package archives");
    let what = "whole Binaryen of 108 or later";
    let found = choose_newest(what, &apt::is_part_of_binaryen, apt::choose_binaryen, ctx)?;
    let debs = foreign::fetch_all(&found, ctx)?;
    ctx.reporter.status("Unpacking", format!("Binaryen {}", found.version));
    make(&packages_key(&found), ctx, |tree| {
        foreign::unpack(&debs, tree, place)?;
        let program = "\"$root/host/bin/wasm-opt\"";
        foreign::start_through(&foreign::loader(tree)?, "/..", program, &tree.join(PROGRAM))
    })
}

/// An entry of the store, filled and proven before it is there.
fn make(
    key: &str,
    ctx: &Ctx,
    fill: impl FnOnce(&Utf8Path) -> anyhow::Result<()>,
) -> anyhow::Result<Binaryen> {
    let made = Binaryen::of_key(key, ctx)
        .with_context(|| format!("`{key}` is no version of Binaryen that is known here"))?;
    let stage = ctx.store.stage(Bucket::Toolchains)?;
    fill(stage.path())?;
    prove(stage.path()).context("the unpacked `wasm-opt` does not work here")?;
    stage.commit(&made.root)?;
    Ok(made)
}

/// Where a package's file goes in the tree, if anywhere.
fn place(package: &str, path: &Utf8Path) -> Option<Utf8PathBuf> {
    if path == "usr/bin/wasm-opt" {
        return Some("host/bin/wasm-opt".into());
    }
    foreign::place(package, path, &["libbinaryen.so"])
}

/// Asks it its version.
fn prove(tree: &Utf8Path) -> anyhow::Result<()> {
    let program = tree.join(PROGRAM);
    let said = call(&program, &["--version"], tree)?;
    version(&said).with_context(|| format!("`{program}` does not say its version"))?;
    Ok(())
}

/// The version that Binaryen's optimizer says to `--version`; none where it is another program.
pub fn version(said: &str) -> Option<&str> {
    let line = said.lines().next()?.trim();
    line.starts_with("wasm-opt version ").then_some(line)
}

#[cfg(test)]
mod tests;
