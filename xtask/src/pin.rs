//! Adds pins for new releases of CPython to `recipes/pins/cpython.toml`.
//!
//! The digests come from the signed indexes of this machine's package archives. When the tests build
//! a release, delete its line `tested = false` by hand.

use std::fmt::Write as _;

use anyhow::Context;
use pywasm_recipes::{Artifact, CpythonPin, PatchVersion, cpython_pins};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::tool::{Tool, root, target};

/// The file with the pins.
const PINS: &str = "recipes/pins/cpython.toml";

pub(crate) fn run() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &target().join("pin-store"), None)?;
    let lines = tool.call(&["list", "--available", "--message-format", "json"]).read()?;
    let today = cmd!(shell, "date --utc +%F").read()?;
    let mut pins = std::fs::read_to_string(root().join(PINS))?;
    for line in lines.lines() {
        let mut release: Value = serde_json::from_str(line)?;
        // Only releases that are not pinned have a suite.
        let Some(suite) = release["suite"].as_str().map(str::to_owned) else { continue };
        let version: PatchVersion = release["version"].as_str().context("no version")?.parse()?;
        let source: Artifact = serde_json::from_value(release["source"].take())?;
        match CpythonPin::unpinned(version, source) {
            Some(pin) if is_newest(version) => {
                write!(
                    pins,
                    "\n# From the signed index of {suite} on {today}, the only source of this \
                     digest.\n{}",
                    text(&pin)
                )?;
                eprintln!("added CPython {version} from {suite}");
            }
            _ => eprintln!("skipped CPython {version}, which is older than a pin of its series"),
        }
    }
    std::fs::write(root().join(PINS), pins)?;
    Ok(())
}

/// Returns true if no pin of the series is newer.
fn is_newest(version: PatchVersion) -> bool {
    let of_series = cpython_pins().iter().filter(|pin| pin.series() == version.series);
    of_series.map(|pin| pin.version).max().is_some_and(|newest| version > newest)
}

/// Returns the text of a pin, in the form of the existing ones.
fn text(pin: &CpythonPin) -> String {
    let CpythonPin { version, wasi_sdk, trained_wasi_sdk, source, .. } = pin;
    let Artifact { file, sha256, size, url, debian_source } = source;
    let (size, debian_source) = (size.unwrap_or_default(), debian_source.as_deref());
    let trained = trained_wasi_sdk.map(|release| format!("trained_wasi_sdk = {release}\n"));
    let trained = trained.unwrap_or_default();
    format!(
        "[[release]]\nversion = \"{version}\"\nwasi_sdk = {wasi_sdk}\n{trained}tested = false\n\
         [release.source]\nfile = \"{file}\"\nsha256 = \"{sha256}\"\nsize = {size}\nurl = \"{url}\"\n\
         debian_source = \"{}\"\n",
        debian_source.unwrap_or_default()
    )
}
