//! `cargo pywasm list --available`: lists the releases of CPython that can be installed.

use pywasm_cpython::install::Evidence;
use pywasm_recipes::{Artifact, CpythonPin, MinorVersion, PatchVersion, cpython_pins};
use pywasm_session::Message;
use pywasm_store::Ctx;
use pywasm_toolchain::IndexedRelease;
use serde::Serialize;

use crate::exit::Exit;

#[derive(Serialize)]
struct AvailableMessage<'a> {
    version: PatchVersion,
    evidence: Evidence,
    /// Absent for a release that is pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    suite: Option<&'a str>,
    tested: bool,
    source: &'a Artifact,
}

impl Message for AvailableMessage<'_> {
    const REASON: &'static str = "available";
}

/// Prints the pinned releases, and those whose digests are in the signed indexes of the machine's
/// package archives, sorted by version.
///
/// # Errors
/// When an index's digest differs from the one in the signed release file.
pub(super) fn run(ctx: &Ctx) -> anyhow::Result<Exit> {
    let pins = cpython_pins();
    let mut series: Vec<MinorVersion> = pins.iter().map(CpythonPin::series).collect();
    series.dedup();
    let indexed = if ctx.offline {
        ctx.reporter.note("package archives are not searched while offline");
        Vec::new()
    } else {
        IndexedRelease::all(&series, ctx)?
    };
    let mut all: Vec<AvailableMessage<'_>> = pins
        .iter()
        .map(|pin| AvailableMessage {
            version: pin.version,
            evidence: Evidence::Pin,
            suite: None,
            tested: pin.tested,
            source: &pin.source,
        })
        .collect();
    let is_pinned = |version: PatchVersion| pins.iter().any(|pin| pin.version == version);
    all.extend(indexed.iter().filter(|one| !is_pinned(one.version)).map(|one| AvailableMessage {
        version: one.version,
        evidence: Evidence::PackageIndex,
        suite: Some(&one.suite),
        tested: false,
        source: &one.source,
    }));
    all.sort_by_key(|one| one.version);
    for message in &all {
        if ctx.reporter.is_json() {
            ctx.reporter.json(message);
        } else {
            let origin = match message.suite {
                None if message.tested => "pinned, and built by the tests of this tool".to_owned(),
                None => "pinned".to_owned(),
                Some(suite) => format!("in the signed index of {suite}"),
            };
            ctx.reporter.data(format!("{:<8} {origin}", message.version.to_string()));
        }
    }
    Ok(Exit::Success)
}
