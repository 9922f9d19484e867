//! The `.cargo/config.toml` file of a project: the settings that let plain Cargo build, run and
//! test the project for wasm.
//!
//! The settings are the same on every machine and are written between two markers. If the user's
//! file already contains the TOML table that a setting belongs to, the setting is written to a
//! separate marked block in that table. The user's lines never change.

use anyhow::Context;
use toml_edit::{Document, Item, Table, TableLike};

use pywasm_session::WithHint;

const BEGIN: &str =
    "# >>> cargo pywasm: `cargo pywasm init` writes the lines between these markers";
const END: &str = "# <<< cargo pywasm";

/// A key that a project needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The path of the TOML table that contains the key. Empty for a top-level key.
    table: &'static [&'static str],
    key: &'static str,
    value: &'static str,
    /// The comment in the line above the key. Empty if there is none.
    comment: &'static str,
}

pub(crate) const INCLUDE: Setting = Setting {
    table: &[],
    key: "include",
    value: r#"[{ path = "../.pywasm/cargo.toml", optional = true }]"#,
    comment: "Settings for this machine only.",
};
pub(crate) const TARGET: Setting =
    Setting { table: &["build"], key: "target", value: r#""wasm32-wasip1""#, comment: "" };
pub(crate) const RUN: Setting = Setting {
    table: &["target", "wasm32-wasip1"],
    key: "runner",
    value: r#""cargo pywasm run-wasm""#,
    comment: "",
};
/// All settings, in the order in which they are written.
const SETTINGS: [&Setting; 3] = [&INCLUDE, &TARGET, &RUN];

/// The state of a setting in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The key is missing.
    Missing,
    /// The key has the required value.
    Ours,
    /// The key has a different value.
    Other,
}

/// A configuration with all settings, and the keys for which the user's value was kept.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) kept: Vec<String>,
}

/// Returns the state of a setting. If the configuration is not valid TOML, every key counts as
/// missing.
pub(crate) fn find(text: &str, setting: &Setting) -> Found {
    Document::parse(text).map_or(Found::Missing, |document| setting.find(document.as_table()))
}

/// Adds the missing settings to a configuration.
///
/// # Errors
/// When the configuration is not valid TOML, its markers do not match, or a table has a form that
/// cannot be extended without changing one of the user's lines.
pub(crate) fn with_settings(text: &str) -> anyhow::Result<Written> {
    let own = without_blocks(text)?;
    let document = Document::parse(own.as_str())?;
    let found = |setting: &&&Setting| setting.find(document.as_table());
    let kept = SETTINGS.iter().filter(|setting| found(setting) == Found::Other);
    let kept = kept.map(|setting| setting.path()).collect();

    // The offset of each block in the user's text, and the settings in the block.
    let mut blocks: Vec<(usize, Vec<&Setting>)> = vec![(0, Vec::new()), (own.len(), Vec::new())];
    // If the first block ended with a table, the user's top-level keys would become part of that
    // table.
    let has_own_keys = document.as_table().iter().any(|(_, item)| !item.is_table());
    for setting in SETTINGS.iter().filter(|setting| found(setting) == Found::Missing) {
        match place(document.as_table(), setting)? {
            Place::After(offset) => blocks.push((line_end(&own, offset), vec![setting])),
            Place::Anywhere if has_own_keys && !setting.table.is_empty() => {
                blocks[1].1.push(setting);
            }
            Place::Anywhere => blocks[0].1.push(setting),
        }
    }
    blocks.sort_by_key(|(offset, _)| *offset);
    let mut text = String::new();
    let mut from = 0;
    for (offset, settings) in blocks.into_iter().filter(|(_, settings)| !settings.is_empty()) {
        text.push_str(&own[from..offset]);
        let inside = offset > 0 && offset < own.len();
        text.push_str(&block(&settings, !inside, &text));
        if offset == 0 && !own.is_empty() {
            text.push('\n');
        }
        from = offset;
    }
    text.push_str(&own[from..]);
    let check =
        Document::parse(text.as_str()).context("the new configuration is not valid TOML")?;
    for setting in SETTINGS {
        let found = setting.find(check.as_table());
        anyhow::ensure!(
            found != Found::Missing,
            "the new configuration does not set `{}`",
            setting.path()
        );
    }
    Ok(Written { text, kept })
}

/// Returns the lines of a block. A block in an existing TOML table has no table headers.
fn block(settings: &[&Setting], headers: bool, before: &str) -> String {
    let mut lines = String::new();
    if !before.is_empty() && !before.ends_with('\n') {
        lines.push('\n');
    }
    if headers && !before.is_empty() {
        lines.push('\n');
    }
    lines.push_str(BEGIN);
    lines.push('\n');
    for (index, setting) in settings.iter().enumerate() {
        if index > 0 {
            lines.push('\n');
        }
        if headers && !setting.table.is_empty() {
            lines.push_str(&format!("[{}]\n", setting.table.join(".")));
        }
        if !setting.comment.is_empty() {
            lines.push_str(&format!("# {}\n", setting.comment));
        }
        lines.push_str(&format!("{} = {}\n", setting.key, setting.value));
    }
    lines.push_str(END);
    lines.push('\n');
    lines
}

/// Returns the user's text, without the marked blocks.
fn without_blocks(text: &str) -> anyhow::Result<String> {
    let mut own = String::new();
    let mut inside = false;
    // The empty line after a block belongs to the block.
    let mut after = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        match (inside, trimmed.starts_with("# >>> cargo pywasm"), trimmed.starts_with(END)) {
            (false, true, _) => inside = true,
            (true, _, true) => (inside, after) = (false, true),
            (false, _, true) | (true, true, _) => {
                return Err(anyhow::anyhow!("the `cargo pywasm` markers do not match")).hint(
                    || format!("delete the rest of the block between `{BEGIN}` and `{END}`"),
                );
            }
            (true, ..) => {}
            (false, ..) => {
                if !(after && trimmed.is_empty()) {
                    own.push_str(line);
                }
                after = false;
            }
        }
    }
    anyhow::ensure!(!inside, "the `cargo pywasm` markers do not match: `{END}` is missing");
    while own.ends_with("\n\n") && after {
        own.pop();
    }
    Ok(own)
}

/// Returns the offset of the line after the one that contains `offset`.
fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |length| offset + length + 1)
}

/// The position of a new setting.
enum Place {
    /// Any position, because the setting gets its own table header.
    Anywhere,
    /// Directly after the header of an existing table. The offset is within the header line.
    After(usize),
}

fn place(root: &Table, setting: &Setting) -> anyhow::Result<Place> {
    let mut table = root;
    for name in setting.table {
        let Some(item) = table.get(name) else { return Ok(Place::Anywhere) };
        table = match item {
            Item::Table(inner) if !inner.is_dotted() => inner,
            _ => {
                let name = setting.table.join(".");
                return Err(anyhow::anyhow!(
                    "the table `{name}` is written in a form that cannot be extended"
                ))
                .hint(|| format!("write the table as `[{name}]`, then run this command again"));
            }
        };
    }
    Ok(match table.span() {
        Some(span) if !setting.table.is_empty() && !table.is_implicit() => Place::After(span.start),
        _ => Place::Anywhere,
    })
}

impl Setting {
    /// Returns the full name of the key, with the path of its table.
    fn path(&self) -> String {
        self.table.iter().chain([&self.key]).copied().collect::<Vec<_>>().join(".")
    }

    fn find(&self, root: &Table) -> Found {
        let mut table: &dyn TableLike = root;
        for name in self.table {
            match table.get(name).and_then(Item::as_table_like) {
                Some(inner) => table = inner,
                None => return Found::Missing,
            }
        }
        let plain = |text: &str| text.split_whitespace().collect::<String>();
        match table.get(self.key) {
            None => Found::Missing,
            Some(item) if plain(&item.to_string()) == plain(self.value) => Found::Ours,
            Some(_) => Found::Other,
        }
    }
}

#[cfg(test)]
#[path = "cargo_config/tests.rs"]
mod tests;
