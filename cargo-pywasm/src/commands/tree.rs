//! `cargo pywasm tree`: shows the Python packages that the current crate embeds.

use pywasm_packages::{Node, tree};
use serde::Serialize;

use super::lock;
use crate::config::Workspace;
use crate::exit::Exit;
use crate::project::provide;
use pywasm_session::Message;
use pywasm_store::Ctx;

/// Show the locked Python packages of the current crate and their dependencies
///
/// `(*)` marks a package whose dependencies are listed above, and `(native)` one whose wheel contains
/// native code for another platform, which is not embedded.
#[derive(Debug, clap::Args)]
pub struct Args {}

#[derive(Serialize)]
struct PackageMessage<'a> {
    name: &'a str,
    version: &'a str,
    file: String,
    sha256: String,
    pure: bool,
}

impl Message for PackageMessage<'_> {
    const REASON: &'static str = "python-package";
}

/// Runs the command.
///
/// # Errors
/// When the crate has no requirements, or they cannot be resolved or fetched.
pub fn run(_args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    let (required, python) = lock::required(&workspace)?;
    let packages = provide(&required, python, ctx)?;
    if ctx.reporter.is_json() {
        for package in &packages {
            let wheel = &package.chosen.wheel;
            ctx.reporter.json(&PackageMessage {
                name: package.chosen.name.as_str(),
                version: wheel.version(),
                file: wheel.to_string(),
                sha256: package.chosen.sha256.to_string(),
                pure: wheel.is_pure(),
            });
        }
        return Ok(Exit::Success);
    }
    let is_native = |node: &Node| {
        packages.iter().any(|it| it.chosen.name == node.name && !it.chosen.wheel.is_pure())
    };
    for node in tree(&packages, python)? {
        print(&node, "", "", &is_native, ctx);
    }
    Ok(Exit::Success)
}

/// Prints a node after `first`, and its dependencies after `rest`.
fn print(node: &Node, first: &str, rest: &str, is_native: &dyn Fn(&Node) -> bool, ctx: &Ctx) {
    let native = if is_native(node) { " (native)" } else { "" };
    let repeated = if node.is_repeated { " (*)" } else { "" };
    ctx.reporter.data(format!("{first}{} {}{native}{repeated}", node.name, node.version));
    for (index, inner) in node.requires.iter().enumerate() {
        let is_last = index + 1 == node.requires.len();
        let (branch, below) =
            if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        print(inner, &format!("{rest}{branch}"), &format!("{rest}{below}"), is_native, ctx);
    }
}
