//! The program `uv`, which resolves requirements.

use std::process::Command;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{HostPlatform, uv_pin};
use pywasm_session::WithHint;
use pywasm_session::variables::PYWASM_UV;
use pywasm_store::unpack::{Limits, unpack_zip};
use pywasm_store::{Bucket, Ctx};

use crate::pip;

/// Runs uv in a directory.
///
/// # Errors
/// When uv is not available, or fails. The error contains what it printed.
pub(crate) fn run(args: &[&str], dir: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    let program = program(ctx)?;
    let mut command = Command::new(&program);
    command.args(args).args(["--no-python-downloads", "--color", "never", "--no-progress"]);
    if ctx.offline {
        command.arg("--offline");
    }
    let output = command
        .current_dir(dir)
        .env_clear()
        .envs(pip::variables(&ctx.env))
        .envs(pip::variables_for_uv(&ctx.env))
        .output()
        .with_context(|| format!("cannot run `{program}`"))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "uv failed:\n{}", printed.trim_end());
    Ok(())
}

/// Returns the path of uv: the one that `PYWASM_UV` names, else the pinned release, which is
/// installed into the store if it is missing.
fn program(ctx: &Ctx) -> anyhow::Result<Utf8PathBuf> {
    if let Some(path) = ctx.env.text(PYWASM_UV) {
        let found = if path.contains('/') { Some(path.into()) } else { ctx.env.program(path) };
        return found.with_context(|| format!("there is no `{path}` on PATH"));
    }
    let pin = uv_pin();
    let wheel = HostPlatform::of(std::env::consts::OS, std::env::consts::ARCH)
        .and_then(|host| pin.wheels.get(&host))
        .context("uv is not pinned for this platform")
        .hint(|| "set PYWASM_UV to the path of uv".to_owned())?;
    let key = format!("uv-{}-{}", pin.version, wheel.sha256.short());
    let root = ctx.store.entry(Bucket::Toolchains, &key);
    let program = root.join(format!("uv-{}.data/scripts/uv", pin.version));
    if program.exists() {
        return Ok(program);
    }
    let _lock = ctx.store.lock("uv", &ctx.reporter)?;
    if !program.exists() {
        let wheel = pip::download("uv", &pin.version, wheel, ctx)?;
        let stage = ctx.store.stage(Bucket::Toolchains)?;
        unpack_zip(&wheel, stage.path(), &Limits::default())?;
        stage.commit(&root)?;
        ctx.reporter.status("Using", format!("uv {} (new in the store)", pin.version));
    }
    Ok(program)
}
