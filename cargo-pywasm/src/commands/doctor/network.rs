//! The roads to the source and to a toolchain. Knocks at servers, and fetches nothing.

use camino::Utf8Path;
use pywasm_recipes::{SdkPin, cpython_pins};

use super::{Check, signature_checker};
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch::{places, reachable};
use pywasm_toolchain::apt;

/// A place to ask, and what can be had there.
struct Road {
    name: String,
    url: String,
    source: bool,
    toolchain: bool,
}

/// The roads: one to the source and one to a toolchain has to be open, unless they are here.
pub(super) fn checks(ctx: &Ctx) -> Vec<Check> {
    const CURE: &str = "set HTTPS_PROXY, or PYWASM_MIRROR to a mirror (`cargo pywasm cache mirror` \
                        makes one)";
    if ctx.offline {
        return vec![Check::note(
            "network",
            "not looked at (--offline)",
            "the store alone is used",
        )];
    }
    let mut checks = Vec::new();
    let mut source = has_source(ctx);
    let mut toolchain = ctx.env.path("WASI_SDK_PATH").is_some()
        || pywasm_toolchain::installed(ctx).is_ok_and(|it| !it.is_empty());
    for road in roads(ctx) {
        match answers(&road.url, ctx) {
            Ok(()) => {
                source |= road.source;
                toolchain |= road.toolchain;
                checks.push(Check::ok("network", format!("{}: reachable", road.name)));
            }
            Err(said) => checks.push(Check::note(
                "network",
                format!("{}: {said}", road.name),
                "another road is taken where there is one",
            )),
        }
    }
    if !source {
        checks.push(Check::missing("network", "no road to CPython's source is open", CURE));
    }
    if !toolchain {
        checks.push(Check::missing("network", "no road to a toolchain is open", CURE));
    }
    checks
}

/// In the order in which an install takes them.
fn roads(ctx: &Ctx) -> Vec<Road> {
    let newest = cpython_pins().first();
    let sdk = newest.and_then(|pin| SdkPin::find(pin.wasi_sdk)?.hosts.values().next());
    let pinned = [("python.org", newest.map(|pin| &pin.source)), ("WASI SDK", sdk)];
    let mut roads = Vec::new();
    for (name, artifact) in pinned {
        // The first place is upstream, or what stands in for it.
        let place = artifact.and_then(|it| places(it, &ctx.env, &[]).into_iter().next());
        roads.extend(place.map(|place| Road {
            name: name.to_owned(),
            url: place.url,
            source: name == "python.org",
            toolchain: name == "WASI SDK",
        }));
    }
    if let Some(url) = ctx.env.text("PYWASM_MIRROR") {
        let name = without_password(url);
        roads.push(Road { name, url: url.to_owned(), source: true, toolchain: true });
    }
    // Packages are unpacked only when their signature can be checked.
    let checked = signature_checker(ctx).is_some();
    roads.extend(apt::archives(ctx).into_iter().map(|url| Road {
        name: without_password(&url),
        url,
        source: true,
        toolchain: checked,
    }));
    roads
}

/// Whether the source of a pinned CPython is in the store.
fn has_source(ctx: &Ctx) -> bool {
    let unpacked = ctx.store.keys(Bucket::Sources).unwrap_or_default();
    cpython_pins().iter().any(|pin| {
        ctx.store.download(&pin.source.sha256, &pin.source.file).exists()
            || unpacked.iter().any(|key| key.starts_with(&format!("cpython-{}-", pin.version)))
    })
}

fn answers(url: &str, ctx: &Ctx) -> Result<(), String> {
    let local = url.strip_prefix("file://").or_else(|| url.starts_with('/').then_some(url));
    match local {
        Some(dir) if Utf8Path::new(dir).is_dir() => Ok(()),
        Some(_) => Err("there is no such directory".to_owned()),
        None => reachable(url, ctx),
    }
}

/// A URL as it may be shown, in logs of CI, too.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let url = "https://me:secret@mirror.example:8443/a@b";
        assert_eq!(without_password(url), "https://mirror.example:8443/a@b");
        assert_eq!(without_password("/srv/mirror"), "/srv/mirror");
    }
}
