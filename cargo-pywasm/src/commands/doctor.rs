//! `cargo pywasm doctor`: checks whether this machine can install and build.

use serde::Serialize;

use crate::exit::Exit;
use pywasm_session::Message;
use pywasm_store::Ctx;

mod network;
mod programs;
mod storage;

/// Check the prerequisites of `install`: compiler, make, toolchain, network, disk
#[derive(Debug, clap::Args)]
pub struct Args {}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// The check passed.
    Ok,
    /// Something optional is missing.
    Note,
    /// Something required is missing, so `install` would fail.
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
/// Never. A failed check is a finding, not an error.
pub fn run(_args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let mut checks = vec![programs::compiler(ctx), programs::make(ctx)];
    checks.extend([
        storage::toolchain(ctx),
        storage::store(ctx),
        storage::disk(ctx),
        storage::staging(ctx),
    ]);
    checks.extend(network::checks(ctx));
    checks.extend([
        programs::verifier(ctx),
        programs::compiler_cache(ctx),
        programs::rust_target(ctx),
        programs::wasm_opt(ctx),
    ]);
    for check in &checks {
        print(check, ctx);
    }
    let works = checks.iter().all(|check| check.state != State::Missing);
    Ok(if works { Exit::Success } else { Exit::Findings })
}

fn print(check: &Check, ctx: &Ctx) {
    if ctx.reporter.is_json() {
        return ctx.reporter.json(check);
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
