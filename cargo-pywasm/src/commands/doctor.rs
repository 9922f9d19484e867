//! `cargo pywasm doctor`: can this machine do it, and what is missing?

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{SdkPin, SdkStatus};
use serde::Serialize;

use crate::exit::Exit;
use pywasm_post_link::Optimizer;
use pywasm_session::{Message, one_line};
use pywasm_store::Ctx;
use pywasm_store::{Bucket, tree_size};
use pywasm_toolchain::apt;

mod network;

/// What an install needs on its way: sources, toolchain, objects, the installation.
const DISK_NEEDED: u64 = 2_000_000_000;

/// What macOS has.
const OLDEST_MAKE: (u32, u32) = (3, 81);

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
    checks.push(leftovers(ctx));
    checks.extend(network::checks(ctx));
    checks.push(verifier(ctx));
    checks.push(compiler_cache(ctx));
    checks.push(rust_target(ctx));
    checks.push(optimizer(ctx));
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
    let (source, program) = (scratch.path().join("try.c"), scratch.path().join("try"));
    const HELLO: &str = "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n";
    let written = std::fs::write(&source, HELLO);
    let compiled = written.and_then(|()| {
        Command::new(&cc)
            .arg(&source)
            .arg("-o")
            .arg(&program)
            .env_clear()
            .env("PATH", ctx.env.search_path())
            .output()
    });
    match compiled {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            let found = format!("`{cc}` can't compile a program: {said}");
            return Check::missing("C compiler", found, CURE);
        }
        Err(error) => return Check::missing("C compiler", format!("`{cc}`: {error}"), CURE),
    }
    match Command::new(&program).env_clear().output() {
        Ok(output) if output.stdout == b"hello\n" => Check::ok("C compiler", cc.as_str()),
        // One for another machine, or a temporary directory that nothing may run in.
        other => {
            let said = other.map_or_else(|error| error.to_string(), |it| it.status.to_string());
            let found = format!("what `{cc}` compiles does not run here: {said}");
            Check::missing("C compiler", found, "put this machine's own compiler first on PATH")
        }
    }
}

fn make(ctx: &Ctx) -> Check {
    const CURE: &str = "Debian, Ubuntu: apt install make; macOS: xcode-select --install";
    let Some(make) = ctx.env.program("gmake").or_else(|| ctx.env.program("make")) else {
        return Check::missing("make", "no `make` on PATH", CURE);
    };
    let said = first_line(&make, &["--version"]).unwrap_or_default();
    match gnu_make(&said) {
        Some(version) if version >= OLDEST_MAKE => Check::ok("make", said),
        Some(_) => Check::missing(
            "make",
            format!("`{make}` is {said}, and 3.81 is the oldest that works"),
            CURE,
        ),
        None => Check::missing("make", format!("`{make}` is not GNU make: {said}"), CURE),
    }
}

/// 4.3 of `GNU Make 4.3`.
fn gnu_make(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("GNU Make ")?.split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse().ok()
    });
    Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
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
    match pywasm_toolchain::installed(ctx).unwrap_or_default().last() {
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

/// The cache and the installations may lie on two disks: the fuller one decides.
fn disk(ctx: &Ctx) -> Check {
    let free = |path: &Utf8Path| -> Option<u64> {
        let existing = path.ancestors().find(|path| path.exists())?;
        let stat = rustix::fs::statvfs(existing.as_std_path()).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    };
    let roots = [ctx.store.cache(), ctx.store.data()];
    let least = roots.into_iter().filter_map(|path| Some((free(path)?, path))).min();
    match least {
        Some((bytes, _)) if bytes >= DISK_NEEDED => {
            Check::ok("disk", format!("{:.1} GB free", bytes as f64 / 1e9))
        }
        Some((bytes, path)) => Check::missing(
            "disk",
            format!("{:.1} GB free for {path}, 2 GB are needed", bytes as f64 / 1e9),
            "free some, or set PYWASM_STORE to another disk",
        ),
        None => Check::note("disk", "can't tell how much is free", "2 GB are needed"),
    }
}

/// Scratch that killed runs left behind. That of a run which is at work counts, too: this holds
/// no lock, and says what `prune` would look at.
fn leftovers(ctx: &Ctx) -> Check {
    let dirs =
        [ctx.store.bucket(Bucket::Staging), ctx.store.data().join(Bucket::Staging.dir_name())];
    let entries = dirs.iter().filter_map(|dir| dir.read_dir_utf8().ok()).flatten();
    let sizes: Vec<u64> =
        entries.flatten().map(|entry| tree_size(entry.path()).unwrap_or_default()).collect();
    if sizes.is_empty() {
        return Check::ok("scratch", "none is left behind");
    }
    let found = format!(
        "{} left by runs that were killed or are at work, {:.1} MB",
        sizes.len(),
        sizes.iter().sum::<u64>() as f64 / 1e6
    );
    Check::note("scratch", found, "`cargo pywasm cache prune` removes what is dead")
}

fn signature_checker(ctx: &Ctx) -> Option<Utf8PathBuf> {
    ["gpgv", "sqv"].iter().find_map(|name| ctx.env.program(name))
}

fn verifier(ctx: &Ctx) -> Check {
    match signature_checker(ctx) {
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

/// Only for the step `wasm-opt`, which is skipped without one.
fn optimizer(ctx: &Ctx) -> Check {
    const CURE: &str = "only needed for the step `wasm-opt`, which fetches it; or run `cargo pywasm toolchain wasm-opt`";
    match Optimizer::find(ctx) {
        Ok(Optimizer::Found(found)) => Check::ok("wasm-opt", found.description()),
        Ok(Optimizer::Missing(why)) => Check::note("wasm-opt", why, CURE),
        Err(error) => {
            Check::note("wasm-opt", one_line(&error), "unset PYWASM_WASM_OPT, or name Binaryen's")
        }
    }
}

fn first_line(program: &Utf8Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).env_clear().env("LC_ALL", "C").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn make_is_known_by_its_version() {
        assert_eq!(gnu_make("GNU Make 4.3"), Some((4, 3)));
        assert_eq!(gnu_make("GNU Make 3.81"), Some((3, 81)));
        assert_eq!(gnu_make("GNU Make 4.4.1"), Some((4, 4)));
        assert_eq!(gnu_make("GNU Make 4.0.90-rc1"), Some((4, 0)));
        assert_eq!(gnu_make("bmake 20220724"), None);
        assert!((3, 79) < OLDEST_MAKE && (4, 0) > OLDEST_MAKE);
    }
}
