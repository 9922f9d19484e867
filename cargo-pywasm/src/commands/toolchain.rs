//! `cargo pywasm toolchain list | install | rust`.

use clap::Subcommand;
use pywasm_recipes::{CpythonPin, PythonRequest, SdkStatus, sdk_pins};
use serde::Serialize;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::reporter::Message;
use crate::toolchain::{Rust, Toolchain, ToolchainRequest, installed, resolve};

/// Look at the toolchains in the store, or get one without building anything
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the toolchains in the store, and the WASI SDK releases that are pinned
    List,
    /// Get a toolchain, as `install` would
    Install {
        /// Where it comes from: auto, official, packages, or a directory [env: WASI_SDK_PATH]
        #[arg(long, value_name = "ROAD|PATH", default_value = "auto")]
        toolchain: ToolchainRequest,
        /// The CPython it is for
        #[arg(long, value_name = "VERSION", default_value = "3.13")]
        python: PythonRequest,
    },
    /// Get a Rust that can build for wasm32-wasip1 from this machine's package archives, for where
    /// `rustup target add` has no road
    Rust,
}

#[derive(Serialize)]
struct ToolchainMessage<'a> {
    toolchain: &'a Toolchain,
}

impl Message for ToolchainMessage<'_> {
    const REASON: &'static str = "toolchain";
}

/// Runs the command.
///
/// # Errors
/// When the store can't be read, or no toolchain can be had.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    match &args.action {
        Action::List => list(ctx),
        Action::Install { toolchain, python } => {
            let request = toolchain.clone().or_environment(&ctx.env);
            let found = resolve(&request, CpythonPin::resolve(*python)?, ctx)?;
            show(&found, ctx);
            Ok(Exit::Success)
        }
        Action::Rust => {
            let rust = Rust::install(ctx)?;
            ctx.reporter.data(rust.rustc());
            Ok(Exit::Success)
        }
    }
}

fn list(ctx: &Ctx) -> anyhow::Result<Exit> {
    let found = installed(ctx)?;
    for toolchain in &found {
        show(toolchain, ctx);
    }
    if ctx.reporter.is_json() {
        return Ok(Exit::Success);
    }
    if found.is_empty() {
        ctx.reporter.note("no toolchain is in the store; `install` gets one when it needs it");
    }
    for pin in sdk_pins() {
        let hosts: Vec<&str> = pin.hosts.keys().map(|host| host.as_str()).collect();
        let what = match &pin.status {
            SdkStatus::Usable => format!("is pinned for {}", hosts.join(", ")),
            SdkStatus::Refused(reason) => format!("is refused: {reason}"),
        };
        ctx.reporter.note(format!("WASI SDK {} {what}", pin.release));
    }
    Ok(Exit::Success)
}

fn show(toolchain: &Toolchain, ctx: &Ctx) {
    if ctx.reporter.is_json() {
        ctx.reporter.json(&ToolchainMessage { toolchain });
    } else {
        ctx.reporter.data(format!("{}\t{}", toolchain.root, toolchain.kind));
    }
}
