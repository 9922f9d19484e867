//! The choice of a road.

use anyhow::Context;
use pywasm_recipes::CpythonPin;

use super::official::NotPinned;
use super::{Kind, Passed, Toolchain, ToolchainRequest, official, packages, path, record};
use pywasm_session::{WithHint, cause_of, one_line};
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch::FetchError;

/// The toolchains in the store, sorted by key.
///
/// # Errors
/// When the store can't be read.
pub fn installed(ctx: &Ctx) -> anyhow::Result<Vec<Toolchain>> {
    let keys = ctx.store.keys(Bucket::Toolchains)?;
    Ok(keys
        .iter()
        .filter_map(|key| record::read(&ctx.store.entry(Bucket::Toolchains, key)))
        .collect())
}

/// A toolchain for building this CPython.
///
/// # Errors
/// When the one that was asked for does not work; when every road is closed, with the reason
/// of each; and when a file is not what its digest says.
pub fn resolve(
    request: &ToolchainRequest,
    pin: &CpythonPin,
    ctx: &Ctx,
) -> anyhow::Result<Toolchain> {
    refuse_other_systems(std::env::consts::OS)?;
    if let ToolchainRequest::Path(root) = request {
        let toolchain = path::open(root)?;
        ctx.reporter.status("Using", format!("{} at {}", toolchain.clang_version, toolchain.root));
        return Ok(toolchain);
    }
    // Without the lock: an entry appears by rename, and a store may be read-only.
    if let Some(toolchain) = from_store(request, pin, ctx)? {
        say(&toolchain, "in the store", ctx);
        return Ok(toolchain);
    }
    let no_path = match request {
        ToolchainRequest::Auto => "neither --wasi-sdk nor WASI_SDK_PATH is set",
        _ => "another road was asked for",
    };
    let mut passed = vec![passed("path", no_path)];
    passed.push(self::passed("store", "it has no toolchain that fits"));
    if ctx.offline {
        return Err(anyhow::anyhow!("there is no toolchain in the store{}", listed(&passed)))
            .hint(|| "run `cargo pywasm toolchain install` once with the network, or give --wasi-sdk PATH".to_owned());
    }
    let _lock = ctx.store.lock("toolchains", &ctx.reporter)?;
    // Another process may have made one while this one waited.
    if let Some(toolchain) = from_store(request, pin, ctx)? {
        say(&toolchain, "in the store", ctx);
        return Ok(toolchain);
    }
    if *request != ToolchainRequest::Packages {
        match official::install(pin, &passed, ctx) {
            Ok(toolchain) => return Ok(told(toolchain, ctx)),
            Err(error) if *request == ToolchainRequest::Official || !is_closed_road(&error) => {
                return Err(error)
                    .with_context(|| format!("WASI SDK {} can't be had", pin.wasi_sdk));
            }
            Err(error) => passed.push(self::passed("official", &one_line(&error))),
        }
    }
    match packages::install(&passed, ctx) {
        Ok(toolchain) => Ok(told(toolchain, ctx)),
        Err(error) if *request == ToolchainRequest::Packages || is_tampered(&error) => {
            Err(error).context("the machine's package archives give no toolchain")
        }
        Err(error) => {
            passed.push(self::passed("packages", &one_line(&error)));
            Err(anyhow::anyhow!("no road leads to a toolchain{}", listed(&passed))).hint(|| {
                "give a WASI SDK with --wasi-sdk PATH, or a mirror of its archive with PYWASM_MIRROR"
                    .to_owned()
            })
        }
    }
}

/// What the store has: the pinned SDK before packages.
fn from_store(
    request: &ToolchainRequest,
    pin: &CpythonPin,
    ctx: &Ctx,
) -> anyhow::Result<Option<Toolchain>> {
    let official =
        official::key(pin).and_then(|key| record::read(&ctx.store.entry(Bucket::Toolchains, &key)));
    let packages =
        installed(ctx)?.into_iter().rev().find(|it| matches!(it.kind, Kind::Packages { .. }));
    Ok(match request {
        ToolchainRequest::Official => official,
        ToolchainRequest::Packages => packages,
        _ => official.or(packages),
    })
}

/// Says which road was taken and why not the earlier ones.
fn told(toolchain: Toolchain, ctx: &Ctx) -> Toolchain {
    for road in &toolchain.passed_over {
        ctx.reporter.note(format!("toolchain not from {}: {}", road.road, road.reason));
    }
    say(&toolchain, "new in the store", ctx);
    toolchain
}

fn say(toolchain: &Toolchain, whence: &str, ctx: &Ctx) {
    ctx.reporter.status("Using", format!("{} ({whence})", toolchain.kind));
}

/// Whether an error means that the network has no road there, rather than that something is
/// wrong with what came.
pub(super) fn is_closed_road(error: &anyhow::Error) -> bool {
    cause_of::<NotPinned>(error).is_some()
        || matches!(cause_of(error), Some(FetchError::Nowhere { .. }))
}

pub(super) fn is_tampered(error: &anyhow::Error) -> bool {
    cause_of::<FetchError>(error).is_some_and(FetchError::is_other_content)
}

pub(super) fn passed(road: &str, reason: &str) -> Passed {
    Passed { road: road.to_owned(), reason: reason.to_owned() }
}

pub(super) fn listed(passed: &[Passed]) -> String {
    passed.iter().map(|road| format!("\n  {}: {}", road.road, road.reason)).collect()
}

/// CPython's build wants a POSIX shell and make.
fn refuse_other_systems(os: &str) -> anyhow::Result<()> {
    if matches!(os, "linux" | "macos") {
        return Ok(());
    }
    anyhow::bail!(
        "CPython can't be cross-built on {os}: run cargo pywasm in WSL 2 or in a Linux container, \
         and copy the installation from there"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_is_refused_with_what_to_do_instead() {
        let text = refuse_other_systems("windows").unwrap_err().to_string();
        assert!(text.contains("WSL 2"), "{text}");
        assert!(refuse_other_systems("macos").is_ok());
    }

    #[test]
    fn only_a_closed_road_leads_to_the_next_one() {
        let closed = FetchError::Nowhere { file: "sdk".into(), tried: Vec::new() };
        assert!(is_closed_road(&anyhow::Error::new(closed).context("sdk")));
        let wrong = FetchError::WrongSize {
            file: "sdk".into(),
            url: "http://mirror.example/sdk".into(),
            expected: 1,
            got: "2 bytes".into(),
        };
        assert!(!is_closed_road(&anyhow::Error::new(wrong)));
        assert!(!is_closed_road(&anyhow::anyhow!("no space left on device")));
    }
}
