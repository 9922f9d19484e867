//! `cargo pywasm toolchain list | install | rust | wasm-opt`.

use camino::Utf8PathBuf;
use clap::Subcommand;
use pywasm_recipes::{CpythonPin, PythonRequest, SdkStatus, binaryen_pin, sdk_pins};
use serde::Serialize;

use crate::exit::Exit;
use pywasm_session::Message;
use pywasm_store::Ctx;
use pywasm_toolchain::{
    Binaryen, BinaryenRequest, Rust, Toolchain, ToolchainRequest, installed, resolve,
};

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
    /// Get Binaryen's optimizer for the step `wasm-opt`, for where the machine has none: the pinned
    /// release, else the newest of this machine's package archives
    WasmOpt {
        /// Where it comes from
        #[arg(long, value_name = "ROAD", value_enum, default_value_t)]
        from: BinaryenRequest,
    },
}

#[derive(Serialize)]
struct ToolchainMessage<'a> {
    toolchain: &'a Toolchain,
}

impl Message for ToolchainMessage<'_> {
    const REASON: &'static str = "toolchain";
}

#[derive(Serialize)]
struct BinaryenMessage<'a> {
    binaryen: &'a Binaryen,
    program: Utf8PathBuf,
}

impl Message for BinaryenMessage<'_> {
    const REASON: &'static str = "binaryen";
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
        Action::WasmOpt { from } => {
            let found = Binaryen::install(*from, ctx)?;
            show_binaryen(&found, "", ctx);
            Ok(Exit::Success)
        }
    }
}

fn list(ctx: &Ctx) -> anyhow::Result<Exit> {
    let found = installed(ctx)?;
    for toolchain in &found {
        show(toolchain, ctx);
    }
    for binaryen in &Binaryen::installed(ctx)? {
        show_binaryen(binaryen, &format!("\t{binaryen}"), ctx);
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
    let pin = binaryen_pin();
    let hosts: Vec<&str> = pin.hosts.keys().map(|host| host.as_str()).collect();
    ctx.reporter.note(format!("Binaryen {} is pinned for {}", pin.release, hosts.join(", ")));
    Ok(Exit::Success)
}

/// The program, and what stands behind it on its line.
fn show_binaryen(binaryen: &Binaryen, about: &str, ctx: &Ctx) {
    let program = binaryen.program();
    if ctx.reporter.is_json() {
        ctx.reporter.json(&BinaryenMessage { binaryen, program });
    } else {
        ctx.reporter.data(format!("{program}{about}"));
    }
}

fn show(toolchain: &Toolchain, ctx: &Ctx) {
    if ctx.reporter.is_json() {
        ctx.reporter.json(&ToolchainMessage { toolchain });
    } else {
        ctx.reporter.data(format!("{}\t{}", toolchain.root, toolchain.kind));
    }
}
