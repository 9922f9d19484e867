//! `cargo pywasm doctor`: can this machine do it, and what is missing?

use std::process::Command;

use camino::Utf8Path;
use pywasm_recipes::{SdkPin, SdkStatus, cpython_pins};
use serde::Serialize;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::fetch::reachable;
use crate::reporter::Message;
use crate::store::Bucket;
use crate::{apt, toolchain};

/// What an install needs on its way: sources, toolchain, objects, the installation.
const DISK_NEEDED: u64 = 2_000_000_000;

/// Check what an install needs: compiler, make, toolchain, network, disk
#[derive(Debug, clap::Args)]
pub struct Args {}

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// As it should be.
    Ok,
    /// Works without, or works slower.
    Note,
    /// An install can't work.
    Missing,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cure: Option<String>,
}

impl Message for Check {
    const REASON: &'static str = "check";
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), cure: None }
    }

    fn note(name: &'static str, found: impl Into<String>, cure: &str) -> Self {
        Self { name, state: State::Note, found: found.into(), cure: Some(cure.to_owned()) }
    }

    fn missing(name: &'static str, found: impl Into<String>, cure: &str) -> Self {
        Self { name, state: State::Missing, found: found.into(), cure: Some(cure.to_owned()) }
    }
}

/// Runs the command.
///
/// # Errors
/// None: what is wrong is a finding.
pub fn run(_args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let mut checks = vec![compiler(ctx), make(ctx), toolchain_here(ctx), store(ctx), disk(ctx)];
    checks.extend(network(ctx));
    checks.push(verifier(ctx));
    checks.push(compiler_cache(ctx));
    checks.push(rust_target(ctx));
    for check in &checks {
        if ctx.reporter.is_json() {
            ctx.reporter.json(check);
            continue;
        }
        let mark = match check.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Missing => "MISSING",
        };
        ctx.reporter.data(format!("{mark:<8} {:<16} {}", check.name, check.found));
        if let Some(cure) = &check.cure {
            ctx.reporter.data(format!("{:<25} {cure}", ""));
        }
    }
    let works = checks.iter().all(|check| check.state != State::Missing);
    Ok(if works { Exit::Success } else { Exit::Findings })
}

/// Packages' LLVM needs stand-ins that the machine's own compiler makes.
fn compiler(ctx: &Ctx) -> Check {
    const CURE: &str = "Debian, Ubuntu: apt install gcc libc6-dev; macOS: xcode-select --install";
    let Some(cc) = ctx.env.program("cc") else {
        return Check::missing("C compiler", "no `cc` on PATH", CURE);
    };
    let Ok(scratch) = tempfile::tempdir() else {
        return Check::missing("C compiler", "no temporary directory to try it in", "set TMPDIR");
    };
    let source = scratch.path().join("try.c");
    let written =
        std::fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n");
    let compiled = written.and_then(|()| {
        Command::new(&cc)
            .arg(&source)
            .arg("-o")
            .arg(scratch.path().join("try"))
            .env_clear()
            .env("PATH", ctx.env.search_path())
            .output()
    });
    match compiled {
        Ok(output) if output.status.success() => Check::ok("C compiler", cc.as_str()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            Check::missing("C compiler", format!("`{cc}` can't compile a program: {said}"), CURE)
        }
        Err(error) => Check::missing("C compiler", format!("`{cc}`: {error}"), CURE),
    }
}

fn make(ctx: &Ctx) -> Check {
    const CURE: &str = "Debian, Ubuntu: apt install make; macOS: xcode-select --install";
    let Some(make) = ctx.env.program("gmake").or_else(|| ctx.env.program("make")) else {
        return Check::missing("make", "no `make` on PATH", CURE);
    };
    match first_line(&make, &["--version"]) {
        Some(line) if line.starts_with("GNU Make") => Check::ok("make", line),
        other => Check::missing(
            "make",
            format!("`{make}` is not GNU make: {}", other.unwrap_or_default()),
            CURE,
        ),
    }
}

fn toolchain_here(ctx: &Ctx) -> Check {
    if let Some(path) = ctx.env.path("WASI_SDK_PATH") {
        let version = fs_err::read_to_string(path.join("VERSION")).unwrap_or_default();
        let number = version.split('.').next().and_then(|text| text.trim().parse().ok());
        if let Some(SdkPin { status: SdkStatus::Refused(reason), release, .. }) =
            number.and_then(SdkPin::find)
        {
            return Check::missing(
                "WASI SDK",
                format!("WASI_SDK_PATH is release {release}: {reason}"),
                "unset WASI_SDK_PATH, and another one is fetched",
            );
        }
        if !path.join("bin/clang").exists() || !path.join("share/wasi-sysroot").exists() {
            return Check::missing(
                "WASI SDK",
                format!("WASI_SDK_PATH is `{path}`, which has no bin/clang or share/wasi-sysroot"),
                "unset it, and one is fetched",
            );
        }
        return Check::ok("WASI SDK", format!("WASI_SDK_PATH: {path}"));
    }
    match toolchain::installed(ctx).unwrap_or_default().last() {
        Some(found) => Check::ok("WASI SDK", format!("in the store: {}", found.kind)),
        None => Check::ok("WASI SDK", "none yet; `install` fetches one"),
    }
}

fn store(ctx: &Ctx) -> Check {
    match ctx.store.ensure(Bucket::Staging).and_then(|_| ctx.store.stage(Bucket::Installs)) {
        Ok(_) => Check::ok("store", format!("{} and {}", ctx.store.cache(), ctx.store.data())),
        Err(error) => Check::missing(
            "store",
            format!("{error:#}"),
            "set PYWASM_STORE to a directory that can be written",
        ),
    }
}

fn disk(ctx: &Ctx) -> Check {
    let free = |path: &Utf8Path| -> Option<u64> {
        let existing = path.ancestors().find(|path| path.exists())?;
        let stat = rustix::fs::statvfs(existing.as_std_path()).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    };
    match free(ctx.store.cache()) {
        Some(bytes) if bytes >= DISK_NEEDED => {
            Check::ok("disk", format!("{:.1} GB free", bytes as f64 / 1e9))
        }
        Some(bytes) => Check::missing(
            "disk",
            format!("{:.1} GB free, 2 GB are needed", bytes as f64 / 1e9),
            "free some, or set PYWASM_STORE to another disk",
        ),
        None => Check::note("disk", "can't tell how much is free", "2 GB are needed"),
    }
}

/// The roads: at least one to the sources and one to a toolchain has to be open.
fn network(ctx: &Ctx) -> Vec<Check> {
    if ctx.offline {
        return vec![Check::note(
            "network",
            "not looked at (--offline)",
            "the store alone is used",
        )];
    }
    let mut checks = Vec::new();
    let mut open = false;
    let newest = cpython_pins().first();
    let sdk = newest.and_then(|pin| SdkPin::find(pin.wasi_sdk)?.hosts.values().next());
    let pinned = [("python.org", newest.map(|pin| &pin.source)), ("WASI SDK", sdk)];
    for (name, artifact) in pinned {
        let Some(artifact) = artifact else { continue };
        match reachable(&artifact.url, ctx) {
            Ok(()) => {
                open = true;
                checks.push(Check::ok("network", format!("{name}: reachable")));
            }
            Err(said) => checks.push(Check::note(
                "network",
                format!("{name}: {said}"),
                "mirrors and package archives are asked instead",
            )),
        }
    }
    for archive in
        ctx.env.text("PYWASM_MIRROR").map(str::to_owned).into_iter().chain(apt::archives(ctx))
    {
        match reachable(&archive, ctx) {
            Ok(()) => {
                open = true;
                checks.push(Check::ok("network", format!("{archive}: reachable")));
            }
            Err(said) => checks.push(Check::note(
                "network",
                format!("{archive}: {said}"),
                "another road is taken where there is one",
            )),
        }
    }
    if !open {
        checks.push(Check::missing(
            "network",
            "no road is open",
            "set HTTPS_PROXY, or PYWASM_MIRROR to a mirror (`cargo pywasm cache mirror` makes one)",
        ));
    }
    checks
}

fn verifier(ctx: &Ctx) -> Check {
    match ["gpgv", "sqv"].iter().find_map(|name| ctx.env.program(name)) {
        Some(path) => Check::ok("signatures", path.as_str()),
        None if apt::archives(ctx).is_empty() => {
            Check::ok("signatures", "not needed: no package archives here")
        }
        None => Check::note(
            "signatures",
            "neither gpgv nor sqv is on PATH",
            "only needed for tools from package archives: apt install gpgv",
        ),
    }
}

fn compiler_cache(ctx: &Ctx) -> Check {
    match ["ccache", "sccache"].iter().find_map(|name| ctx.env.program(name)) {
        Some(path) => Check::ok("compiler cache", path.as_str()),
        None => Check::ok("compiler cache", "none; ccache would make building again faster"),
    }
}

/// Only for crates that embed Python: `install` itself compiles no Rust.
fn rust_target(ctx: &Ctx) -> Check {
    const CURE: &str = "only needed to build Rust for it: rustup target add wasm32-wasip1";
    let Some(rustc) = ctx.env.program("rustc") else {
        return Check::note("rustc target", "no rustc on PATH", CURE);
    };
    let asked = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", pywasm_build::TARGET])
        // rustup's rustc finds its toolchain through these.
        .env_clear()
        .envs(
            ["HOME", "PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME"]
                .iter()
                .filter_map(|name| Some((name, ctx.env.text(name)?))),
        )
        .output();
    let dir = asked
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    if !dir.is_empty() && Utf8Path::new(&dir).exists() {
        Check::ok("rustc target", format!("{} is installed", pywasm_build::TARGET))
    } else {
        Check::note("rustc target", format!("{} is not installed", pywasm_build::TARGET), CURE)
    }
}

fn first_line(program: &Utf8Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).env_clear().env("LC_ALL", "C").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}
