//! The record of a toolchain in the store: `toolchain.json` in its directory.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::Toolchain;

const FILE: &str = "toolchain.json";
/// The version of the format. A toolchain whose record has another version is unpacked again.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    toolchain: Toolchain,
}

/// Writes the record into a staged tree.
pub(super) fn write(toolchain: &Toolchain, tree: &Utf8Path) -> anyhow::Result<()> {
    let record = Record { version: VERSION, toolchain: toolchain.clone() };
    let mut text = serde_json::to_string_pretty(&record)?;
    text.push('\n');
    fs_err::write(tree.join(FILE), text)?;
    Ok(())
}

/// Reads the record of a tree. Returns `None` if the tree has no record in this version of the
/// format. The root of the result is `tree`, not the recorded root, because the store may have been
/// moved.
pub(super) fn read(tree: &Utf8Path) -> Option<Toolchain> {
    let text = fs_err::read(tree.join(FILE)).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    (record.version == VERSION).then(|| Toolchain { root: tree.to_owned(), ..record.toolchain })
}
