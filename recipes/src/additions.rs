//! Files that are added to CPython's source tree, and the text that identifies all changes to it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::{MinorVersion, patch};

/// The C source of the module `_pywasm_kdf`: functions of `hashlib` that CPython takes from OpenSSL.
const KDF: &str = include_str!("../additions/_pywasm_kdf.c");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    module: BTreeMap<String, String>,
}

/// Returns the modules of the standard library that do not exist on WASI, and the message of the
/// ImportError for each.
///
/// # Panics
/// Never, because the data is compiled in and tests parse it.
#[must_use]
pub fn unavailable() -> &'static BTreeMap<String, String> {
    static ALL: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
        let file: File =
            toml::from_str(include_str!("../unavailable.toml")).expect("unavailable.toml");
        file.module
    });
    &ALL
}

/// Returns the files that are added to the source tree, by their paths in it.
#[must_use]
pub fn additions() -> BTreeMap<String, String> {
    let module = |(name, text): (&String, &String)| {
        let content = format!(
            "\"\"\"This module does not exist on WASI.\"\"\"\n\nraise ImportError({}, name={})\n",
            quoted(text),
            quoted(name)
        );
        (format!("Lib/{name}.py"), content)
    };
    let mut files: BTreeMap<_, _> = unavailable().iter().map(module).collect();
    files.insert("Modules/_pywasm_kdf.c".to_owned(), KDF.to_owned());
    files
}

/// Returns a Python literal.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns a text that differs if the changes to the source tree differ: the patch and the files that
/// are added.
#[must_use]
pub fn changes(series: MinorVersion) -> String {
    let mut text = patch(series).unwrap_or_default().to_owned();
    for (path, content) in additions() {
        text.push_str(&format!("{path}\n{content}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::is_known_module;

    #[test]
    fn unavailable_modules_are_extension_modules_of_cpython() {
        for (name, text) in unavailable() {
            assert!(is_known_module("3.14".parse().unwrap(), name), "{name}");
            assert!(text.contains("WASI") && text.contains(": "), "{text}");
        }
    }

    #[test]
    fn text_is_a_python_literal() {
        assert_eq!(quoted("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
        let file = &additions()["Lib/mmap.py"];
        assert!(file.contains("raise ImportError(\"WASI") && file.ends_with("name=\"mmap\")\n"));
    }
}
