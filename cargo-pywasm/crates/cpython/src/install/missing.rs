//! `_missing_stdlib_info.py`, from which `traceback` takes the messages for missing modules since
//! CPython 3.15. CPython's own build writes it with a native Python.

use camino::Utf8Path;
use pywasm_recipes::{MinorVersion, quoted};

use crate::build::Inventory;

/// The first series that reads the file.
const SINCE: MinorVersion = MinorVersion { major: 3, minor: 15 };

/// The modules that exist on Windows only: `WINDOWS_MODULES` in CPython's
/// `Tools/build/check_extension_modules.py`.
const WINDOWS: [&str; 8] =
    ["_overlapped", "_testconsole", "_winapi", "_wmi", "msvcrt", "nt", "winreg", "winsound"];

/// Writes the file into the standard library, if the series reads it.
pub(super) fn write(
    series: MinorVersion,
    inventory: &Inventory,
    library: &Utf8Path,
) -> anyhow::Result<()> {
    if series >= SINCE {
        fs_err::write(library.join("_missing_stdlib_info.py"), content(inventory))?;
    }
    Ok(())
}

fn content(inventory: &Inventory) -> String {
    let windows = WINDOWS.iter().map(|name| {
        (*name, format!("Unsupported platform for Windows-only standard library module '{name}'"))
    });
    let left_out = inventory.left_out.iter().map(|module| {
        let (name, reason) = (module.name.as_str(), &module.reason);
        (name, format!("Standard library module '{name}' was not found: {reason}"))
    });
    let mut lines: Vec<String> = windows
        .chain(left_out)
        .map(|(name, message)| format!("    {}: {},\n", quoted(name), quoted(&message)))
        .collect();
    lines.sort();
    format!("_MISSING_STDLIB_MODULE_MESSAGES = {{\n{}}}\n", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::LeftOut;

    #[test]
    fn messages_give_the_reason() {
        let reason = "disabled by recipe `default`".to_owned();
        let left_out = vec![LeftOut { name: "pyexpat".to_owned(), reason }];
        let text = content(&Inventory { builtin: Vec::new(), left_out });
        let line = "    \"pyexpat\": \"Standard library module 'pyexpat' was not found: disabled by recipe `default`\",\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("\"winreg\": \"Unsupported platform for Windows-only"), "{text}");
    }
}
