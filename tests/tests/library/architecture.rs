//! Tests that the crate map in `docs/architecture.md` matches the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Dependencies that use the network, or that run or change wasm modules. Only the crates listed
/// for each may depend on it.
const RESTRICTED: [(&str, &[&str]); 3] = [
    ("ureq", &["pywasm-store"]),
    ("wasmtime", &["pywasm-runtime", "pywasm-snapshot", "pywasm-canister"]),
    ("walrus", &["pywasm-rewrite"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn manifest(directory: &Path) -> toml::Table {
    std::fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap()
}

/// Returns the `[dependencies]` in a manifest.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.into_iter().flat_map(toml::Table::keys).cloned().collect()
}

/// Returns the members of the workspace, each with its dependencies.
fn members() -> BTreeMap<String, BTreeSet<String>> {
    let workspace = manifest(&root());
    let patterns = workspace["workspace"]["members"].as_array().unwrap();
    let mut members = BTreeMap::new();
    for pattern in patterns.iter().filter_map(toml::Value::as_str) {
        let directories = match pattern.strip_suffix("/*") {
            Some(parent) => {
                let entries = root().join(parent).read_dir().unwrap();
                entries.map(|entry| entry.unwrap().path()).collect()
            }
            None => vec![root().join(pattern)],
        };
        for directory in directories {
            let manifest = manifest(&directory);
            let name = manifest["package"]["name"].as_str().unwrap().to_owned();
            members.insert(name, dependencies(&manifest));
        }
    }
    members
}

/// Returns each crate's row in the map, counted from the top.
fn rows() -> BTreeMap<String, usize> {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let map = page.split("```text\ntests").nth(1).unwrap().split("```").next().unwrap();
    let map = format!("tests{map}");
    let rows = map.lines().enumerate();
    let names = rows.flat_map(|(row, line)| line.split_whitespace().map(move |name| (name, row)));
    names
        .map(|(name, row)| match name {
            "xtask" | "cargo-pywasm" => (name.to_owned(), row),
            _ => (format!("pywasm-{}", name.trim_start_matches("pywasm-")), row),
        })
        .collect()
}

#[test]
fn crates_depend_only_on_lower_rows_of_the_map() {
    let (members, rows) = (members(), rows());
    for (name, dependencies) in &members {
        let row = rows.get(name).unwrap_or_else(|| panic!("{name} is not in the map"));
        for dependency in dependencies.iter().filter(|it| members.contains_key(*it)) {
            assert!(rows[dependency] > *row, "{name} depends on {dependency}");
        }
    }
}

#[test]
fn restricted_dependencies_stay_in_their_crates() {
    for (name, dependencies) in members() {
        for (restricted, allowed) in RESTRICTED {
            let is_allowed = allowed.contains(&name.as_str());
            assert!(is_allowed || !dependencies.contains(restricted), "{name} has {restricted}");
        }
    }
}
