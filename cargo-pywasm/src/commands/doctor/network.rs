//! Checks whether CPython and a toolchain can be downloaded, without downloading anything.

use camino::Utf8Path;
use pywasm_recipes::{SdkPin, cpython_pins};

use super::Check;
use super::programs::signature_verifier;
use pywasm_session::variables::{PYWASM_MIRROR, WASI_SDK_PATH};
use pywasm_store::fetch::{locations, reachable, redacted};
use pywasm_store::{Bucket, Ctx};
use pywasm_toolchain::apt;

const NAME: &str = "network";

/// A server or directory that `install` can use.
struct Source {
    name: String,
    url: String,
    has_cpython: bool,
    has_toolchain: bool,
}

/// Checks that CPython and a toolchain are each either on this machine or available from a
/// reachable source.
pub(super) fn checks(ctx: &Ctx) -> Vec<Check> {
    const CURE: &str = "set HTTPS_PROXY, or set PYWASM_MIRROR to a mirror (`cargo pywasm cache \
                        mirror` creates one)";
    if ctx.offline {
        return vec![Check::note(NAME, "not checked (--offline)", "only the store is used")];
    }
    let mut checks = Vec::new();
    let mut cpython = is_cpython_stored(ctx);
    let mut toolchain = ctx.env.path(WASI_SDK_PATH).is_some()
        || pywasm_toolchain::installed(ctx).is_ok_and(|it| !it.is_empty());
    for source in sources(ctx) {
        match check(&source.url, ctx) {
            Ok(()) => {
                cpython |= source.has_cpython;
                toolchain |= source.has_toolchain;
                checks.push(Check::ok(NAME, format!("{}: reachable", source.name)));
            }
            Err(reason) => checks.push(Check::note(
                NAME,
                format!("{}: {reason}", source.name),
                "not needed if another source works",
            )),
        }
    }
    if !cpython {
        checks.push(Check::missing(NAME, "no source of CPython is reachable", CURE));
    }
    if !toolchain {
        checks.push(Check::missing(NAME, "no source of a toolchain is reachable", CURE));
    }
    checks
}

/// Returns the sources in the order in which `install` tries them.
fn sources(ctx: &Ctx) -> Vec<Source> {
    let newest = cpython_pins().first();
    let sdk = newest.and_then(|pin| SdkPin::find(pin.wasi_sdk)?.hosts.values().next());
    let pinned = [("python.org", newest.map(|pin| &pin.source)), ("WASI SDK", sdk)];
    let mut sources = Vec::new();
    for (name, artifact) in pinned {
        // The first location is the upstream URL, or the one that replaces it if
        // `PYWASM_UPSTREAM` is set.
        let location = artifact.and_then(|it| locations(it, &ctx.env, &[]).into_iter().next());
        sources.extend(location.map(|location| Source {
            name: name.to_owned(),
            url: location.url,
            has_cpython: name == "python.org",
            has_toolchain: name == "WASI SDK",
        }));
    }
    if let Some(url) = ctx.env.text(PYWASM_MIRROR) {
        let name = redacted(url);
        sources.push(Source { name, url: url.to_owned(), has_cpython: true, has_toolchain: true });
    }
    // Package archives provide a toolchain only if their signatures can be verified.
    let verifiable = signature_verifier(ctx).is_some();
    sources.extend(apt::archives(ctx).into_iter().map(|url| Source {
        name: redacted(&url),
        url,
        has_cpython: true,
        has_toolchain: verifiable,
    }));
    sources
}

/// Returns true if the store contains the source code of a pinned CPython.
fn is_cpython_stored(ctx: &Ctx) -> bool {
    let unpacked = ctx.store.keys(Bucket::Sources).unwrap_or_default();
    cpython_pins().iter().any(|pin| {
        ctx.store.download(&pin.source.sha256, &pin.source.file).exists()
            || unpacked.iter().any(|key| key.starts_with(&format!("cpython-{}-", pin.version)))
    })
}

fn check(url: &str, ctx: &Ctx) -> Result<(), String> {
    let local = url.strip_prefix("file://").or_else(|| url.starts_with('/').then_some(url));
    match local {
        Some(dir) if Utf8Path::new(dir).is_dir() => Ok(()),
        Some(_) => Err("no such directory".to_owned()),
        None => reachable(url, ctx).map_err(|failure| failure.to_string()),
    }
}
