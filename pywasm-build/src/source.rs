//! The source code of this crate, which `cargo-pywasm` unpacks into projects. Each project
//! therefore gets the version of pywasm-build that matches the tool, and needs no registry.
//!
//! This module is not part of the API.

/// The text of Cargo.toml, in which keys such as `version.workspace = true` are not resolved.
pub const MANIFEST: &str = include_str!("../Cargo.toml");

/// The names and texts of the source files in `src`, except `tests.rs`.
pub const FILES: &[(&str, &str)] = &[
    ("builder.rs", include_str!("builder.rs")),
    ("directive.rs", include_str!("directive.rs")),
    ("error.rs", include_str!("error.rs")),
    ("fingerprint.rs", include_str!("fingerprint.rs")),
    ("frozen.rs", include_str!("frozen.rs")),
    ("host_stack.rs", include_str!("host_stack.rs")),
    ("installation.rs", include_str!("installation.rs")),
    ("json.rs", include_str!("json.rs")),
    ("lib.rs", include_str!("lib.rs")),
    ("libc.rs", include_str!("libc.rs")),
    ("link.rs", include_str!("link.rs")),
    ("project.rs", include_str!("project.rs")),
    ("request.rs", include_str!("request.rs")),
    ("source.rs", include_str!("source.rs")),
    ("store.rs", include_str!("store.rs")),
    ("table.rs", include_str!("table.rs")),
    ("tool.rs", include_str!("tool.rs")),
    ("wasm.rs", include_str!("wasm.rs")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "tests.rs")
            .collect();
        names.sort();
        assert_eq!(FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    }
}
