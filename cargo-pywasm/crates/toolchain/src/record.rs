//! What is told of a toolchain in the store: `toolchain.json` beside its files.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::Toolchain;

/// The file's name.
const FILE: &str = "toolchain.json";
/// The version of its format.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    toolchain: Toolchain,
}

/// Writes the record into a tree that is being made.
pub(super) fn write(toolchain: &Toolchain, tree: &Utf8Path) -> anyhow::Result<()> {
    let record = Record { version: VERSION, toolchain: toolchain.clone() };
    let mut text = serde_json::to_string_pretty(&record)?;
    text.push('\n');
    fs_err::write(tree.join(FILE), text)?;
    Ok(())
}

/// Reads the record of a tree; `None` where there is none of this version. A store that was
/// moved as a whole still works: the place is that of the tree, not that of the record.
pub(super) fn read(tree: &Utf8Path) -> Option<Toolchain> {
    let text = fs_err::read(tree.join(FILE)).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    (record.version == VERSION).then(|| Toolchain { root: tree.to_owned(), ..record.toolchain })
}
