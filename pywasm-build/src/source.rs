//! This crate's own files, for `cargo-pywasm`: it gives a project the helper that fits it, where
//! no registry has one.

/// The manifest as it stands in its workspace, whose keys a reader has to fill in.
pub const MANIFEST: &str = include_str!("../Cargo.toml");

/// The sources, by their names below `src`.
pub const FILES: &[(&str, &str)] = &[
    ("directive.rs", include_str!("directive.rs")),
    ("error.rs", include_str!("error.rs")),
    ("find.rs", include_str!("find.rs")),
    ("freeze.rs", include_str!("freeze.rs")),
    ("installation.rs", include_str!("installation.rs")),
    ("lib.rs", include_str!("lib.rs")),
    ("libc.rs", include_str!("libc.rs")),
    ("link.rs", include_str!("link.rs")),
    ("project.rs", include_str!("project.rs")),
    ("source.rs", include_str!("source.rs")),
    ("store.rs", include_str!("store.rs")),
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
            .collect();
        names.sort();
        assert_eq!(FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    }
}
