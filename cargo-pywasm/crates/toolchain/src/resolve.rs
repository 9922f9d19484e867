//! The search for a toolchain.

use pywasm_session::WithHint;
use pywasm_store::{Bucket, Ctx};

use super::source::{Remote, Skipped, ToolchainSource, listed, search};
use super::{Needs, Toolchain, ToolchainRequest, official, packages, path, record};

/// Returns the toolchains in the store, sorted by key.
///
/// # Errors
/// When the store cannot be read.
pub fn installed(ctx: &Ctx) -> anyhow::Result<Vec<Toolchain>> {
    let keys = ctx.store.keys(Bucket::Toolchains)?;
    Ok(keys
        .iter()
        .filter_map(|key| record::read(&ctx.store.entry(Bucket::Toolchains, key)))
        .collect())
}

/// Returns a toolchain that can build CPython: the requested one, or the first available one. A
/// toolchain from the network is installed into the store. A compiler older than the needed one is
/// returned only if no source has a newer one.
///
/// # Errors
/// When the requested toolchain does not work, when no source is available, and when a file has a
/// wrong digest.
pub fn resolve(request: &ToolchainRequest, needs: Needs, ctx: &Ctx) -> anyhow::Result<Toolchain> {
    refuse_other_systems(std::env::consts::OS)?;
    if let ToolchainRequest::Path(root) = request {
        let toolchain = path::open(root)?;
        ctx.reporter.status("Using", format!("{} at {}", toolchain.clang_version, toolchain.root));
        return Ok(toolchain);
    }
    // No lock is taken here, because an entry appears only when it is complete, and because the
    // store may be read-only.
    // An old compiler is used only if the tool is offline.
    let enough = if ctx.offline { None } else { needs.clang };
    if let Some(toolchain) = from_store(request, Needs { clang: enough, ..needs }, ctx)? {
        report(&toolchain, "in the store", ctx);
        return Ok(toolchain);
    }
    let mut skipped = skipped_locally(request);
    if ctx.offline {
        let hint =
            "run `cargo pywasm toolchain install` once without --offline, or use --wasi-sdk PATH";
        let error = anyhow::anyhow!("there is no toolchain in the store{}", listed(&skipped));
        return Err(error).hint(|| hint.to_owned());
    }
    let _lock = ctx.store.lock("toolchains", &ctx.reporter)?;
    // Another process may have installed a toolchain while this one waited for the lock.
    if let Some(toolchain) = from_store(request, needs, ctx)? {
        report(&toolchain, "in the store", ctx);
        return Ok(toolchain);
    }
    let install = |source, skipped: &[Skipped]| match source {
        Remote::Official => official::install(needs.wasi_sdk, skipped, ctx),
        Remote::Packages => packages::install(skipped, ctx),
    };
    let failed = |source| match source {
        Remote::Official => format!("cannot install WASI SDK {}", needs.wasi_sdk),
        Remote::Packages => "cannot assemble a toolchain from package archives".to_owned(),
    };
    let found = search(request.remotes(), &mut skipped, install, failed)?;
    let Some(toolchain) = found else {
        let hint = "specify a WASI SDK with --wasi-sdk PATH, or a mirror with PYWASM_MIRROR";
        let error = anyhow::anyhow!("no usable WASI toolchain found{}", listed(&skipped));
        return Err(error).hint(|| hint.to_owned());
    };
    for it in &toolchain.skipped {
        ctx.reporter
            .note(format!("skipped `{}` as the source of the toolchain: {}", it.source, it.reason));
    }
    report(&toolchain, "new in the store", ctx);
    Ok(toolchain)
}

/// Returns the sources that need no network, with the reasons why they provide no toolchain.
fn skipped_locally(request: &ToolchainRequest) -> Vec<Skipped> {
    let no_path = match request {
        ToolchainRequest::Auto => "neither --wasi-sdk nor WASI_SDK_PATH is set",
        _ => "another source was requested",
    };
    vec![Skipped::new("path", no_path), Skipped::new("store", "no matching toolchain")]
}

/// Returns a toolchain from the store: the pinned SDK, or else the newest toolchain from packages
/// whose compiler is new enough.
fn from_store(
    request: &ToolchainRequest,
    needs: Needs,
    ctx: &Ctx,
) -> anyhow::Result<Option<Toolchain>> {
    let official = official::key(needs.wasi_sdk)
        .and_then(|key| record::read(&ctx.store.entry(Bucket::Toolchains, &key)));
    let is_packages = |it: &Toolchain| {
        matches!(it.source, ToolchainSource::Packages { .. }) && it.clang_major() >= needs.clang
    };
    let packages = installed(ctx)?.into_iter().rev().find(is_packages);
    Ok(match request {
        ToolchainRequest::Official => official,
        ToolchainRequest::Packages => packages,
        _ => official.or(packages),
    })
}

fn report(toolchain: &Toolchain, origin: &str, ctx: &Ctx) {
    ctx.reporter.status("Using", format!("{} ({origin})", toolchain.source));
}

/// Refuses systems that lack the POSIX shell and `make`, which CPython's build needs.
fn refuse_other_systems(os: &str) -> anyhow::Result<()> {
    if matches!(os, "linux" | "macos") {
        return Ok(());
    }
    Err(anyhow::anyhow!("CPython cannot be cross-compiled on {os}")).hint(|| {
        "run cargo pywasm in WSL 2 or in a Linux container, and copy the installation from there"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_is_refused_with_the_alternatives() {
        let error = refuse_other_systems("windows").unwrap_err();
        let hint = pywasm_session::hint_of(&error).unwrap();
        assert!(error.to_string().contains("windows") && hint.contains("WSL 2"), "{error}: {hint}");
        assert!(refuse_other_systems("macos").is_ok());
    }
}
