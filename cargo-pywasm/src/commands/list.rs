//! `cargo pywasm list`: lists the installations.

#[cfg(feature = "runtime")]
mod available;

use camino::Utf8Path;
use pywasm_build::Installation;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::installed;
use pywasm_session::{Message, WithHint};
use pywasm_store::Ctx;
use pywasm_store::tree_size;

/// List the installations
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List the releases of CPython that can be installed instead: those that are pinned, and those in
    /// the signed indexes of the machine's package archives
    #[cfg(feature = "runtime")]
    #[arg(long)]
    available: bool,
}

#[derive(Serialize)]
struct InstallationMessage<'a> {
    name: String,
    python: &'a str,
    recipe: &'a str,
    size: u64,
    toolchain: &'a str,
    path: &'a Utf8Path,
}

impl Message for InstallationMessage<'_> {
    const REASON: &'static str = "installation";
}

/// Runs the command.
///
/// # Errors
/// When an installation or an index cannot be read.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    #[cfg(feature = "runtime")]
    if args.available {
        return available::run(ctx);
    }
    #[cfg(not(feature = "runtime"))]
    let _ = args;
    let all = installed::all(ctx).hint(|| {
        "`cargo pywasm uninstall NAME` removes the installation in the directory NAME".to_owned()
    })?;
    if all.is_empty() {
        ctx.reporter.note("nothing is installed; `cargo pywasm install` builds CPython");
    }
    for python in &all {
        let path = installed::utf8(python.root())?;
        let size = tree_size(&path)?;
        let toolchain = &compiler(python)?;
        let message = InstallationMessage {
            name: installed::name_of(python),
            python: python.version(),
            recipe: python.recipe(),
            size,
            toolchain,
            path: &path,
        };
        if ctx.reporter.is_json() {
            ctx.reporter.json(&message);
        } else {
            let size = size / 1_000_000;
            let toolchain = short(toolchain);
            ctx.reporter.data(format!(
                "{:<8} {:<10} {size:>4} MB  {toolchain:<12}  {path}",
                message.python, message.recipe
            ));
        }
    }
    Ok(Exit::Success)
}

/// Returns the name and version of the compiler, as the installation's manifest records them.
fn compiler(python: &Installation) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Manifest {
        toolchain: Toolchain,
    }
    #[derive(Deserialize)]
    struct Toolchain {
        #[serde(default)]
        clang: String,
    }
    let manifest: Manifest = serde_json::from_str(python.manifest())?;
    Ok(manifest.toolchain.clang)
}

/// Shortens the output of `clang --version`: `clang 22.1.8` for `Debian clang version 22.1.8 (…)`.
fn short(clang: &str) -> String {
    let version = clang.split_once("clang version ").map(|(_, rest)| rest.split_whitespace());
    version.and_then(|mut words| words.next()).map_or(clang.to_owned(), |it| format!("clang {it}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_is_shortened_to_name_and_version() {
        assert_eq!(short("Debian clang version 22.1.8 (1~deb12u1)"), "clang 22.1.8");
        assert_eq!(short("clang version 19.1.5-wasi-sdk"), "clang 19.1.5-wasi-sdk");
        assert_eq!(short("zig 0.15"), "zig 0.15");
    }
}
