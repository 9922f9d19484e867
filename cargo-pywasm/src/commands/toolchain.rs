//! `cargo pywasm toolchain`: lists and installs toolchains and `wasm-opt`.

use camino::Utf8PathBuf;
use clap::Subcommand;
use pywasm_recipes::{CpythonPin, PythonRequest, SdkStatus, binaryen_pin, sdk_pins};
use serde::Serialize;

use crate::config::{Selection, Settings, Workspace};
use crate::exit::Exit;
use pywasm_session::Message;
use pywasm_store::Ctx;
use pywasm_toolchain::{
    Binaryen, BinaryenRequest, Needs, Rust, Toolchain, ToolchainRequest, installed, resolve,
};

/// List the toolchains in the store, or install one without building Python
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the toolchains in the store and the pinned releases
    List,
    /// Install a toolchain as `cargo pywasm install` does
    Install {
        /// The source: auto, official, packages, or a directory [env: WASI_SDK_PATH]
        #[arg(long, value_name = "SOURCE|PATH", default_value = "auto")]
        toolchain: ToolchainRequest,
        #[command(flatten)]
        selection: Selection,
    },
    /// Install a Rust toolchain for wasm32-wasip1 from the package archives; useful if rustup
    /// cannot add the target
    Rust,
    /// Install Binaryen's `wasm-opt`: the pinned release, or the newest release in the package
    /// archives
    WasmOpt {
        /// The source
        #[arg(long, value_name = "SOURCE", value_enum, default_value_t)]
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
/// When the store cannot be read, or the tool cannot be installed.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    match &args.action {
        Action::List => list(ctx),
        Action::Install { toolchain, selection } => {
            let request = toolchain.clone().or_environment(&ctx.env);
            let settings = Settings::resolve(selection, &Workspace::new(ctx))?;
            let pin = CpythonPin::resolve(PythonRequest::Series(settings.python.series()))?;
            let needs = Needs::of(pin, &settings.recipe.build);
            let found = resolve(&request, needs, ctx)?;
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
        ctx.reporter.note("the store contains no toolchain; `install` adds one when it is needed");
    }
    for pin in sdk_pins() {
        let hosts: Vec<&str> = pin.hosts.keys().map(|host| host.as_str()).collect();
        let status = match &pin.status {
            SdkStatus::Usable => format!("is pinned for {}", hosts.join(", ")),
            SdkStatus::Refused(reason) => format!("is refused: {reason}"),
        };
        ctx.reporter.note(format!("WASI SDK {} {status}", pin.release));
    }
    let pin = binaryen_pin();
    let hosts: Vec<&str> = pin.hosts.keys().map(|host| host.as_str()).collect();
    ctx.reporter.note(format!("Binaryen {} is pinned for {}", pin.release, hosts.join(", ")));
    Ok(Exit::Success)
}

/// Prints the path of the program, followed by `suffix`.
fn show_binaryen(binaryen: &Binaryen, suffix: &str, ctx: &Ctx) {
    let program = binaryen.program();
    if ctx.reporter.is_json() {
        ctx.reporter.json(&BinaryenMessage { binaryen, program });
    } else {
        ctx.reporter.data(format!("{program}{suffix}"));
    }
}

fn show(toolchain: &Toolchain, ctx: &Ctx) {
    if ctx.reporter.is_json() {
        ctx.reporter.json(&ToolchainMessage { toolchain });
    } else {
        ctx.reporter.data(format!("{}\t{}", toolchain.root, toolchain.source));
    }
}
