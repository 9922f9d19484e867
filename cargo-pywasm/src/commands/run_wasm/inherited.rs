//! Selects the variables and the directory that a program inherits from its caller.
//!
//! Programs inherit few variables, because the environment may contain secrets. If Cargo is the
//! caller, it has promised its own variables to programs and tests.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_runtime::Dir;
use pywasm_session::variables::{CARGO_HOME, HOME};
use pywasm_store::Ctx;
use toml_edit::{Document, Item};

/// Variables that configure the diagnostics of Rust programs.
const REPORTING: [&str; 3] = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "RUST_LOG"];

/// Variables that Cargo sets for the programs that it runs.
///
/// Source: "Environment Variables" in the Cargo book. `CARGO` and `CARGO_HOME` are of no use in a
/// sandbox, and variables with other names may be secrets, such as `CARGO_REGISTRY_TOKEN`.
const OF_CARGO: [&str; 6] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
];

/// Prefixes of variables that Cargo, libtest and common test libraries use.
const PREFIXES: [&str; 7] =
    ["CARGO_PKG_", "INSTA_", "NEXTEST", "PROPTEST_", "QUICKCHECK_", "RUST_TEST_", "UPDATE_EXPECT"];

/// The variable that shows that Cargo is the caller.
const MANIFEST_DIR: &str = "CARGO_MANIFEST_DIR";

/// Returns the variables that the program inherits, sorted by name.
pub(super) fn variables(ctx: &Ctx) -> Vec<(String, String)> {
    let mut names: BTreeSet<String> = REPORTING.map(str::to_owned).into();
    if ctx.env.text(MANIFEST_DIR).is_some() {
        names.extend(OF_CARGO.map(str::to_owned));
        let prefixed = |name: &&str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        names.extend(ctx.env.texts().map(|(name, _)| name).filter(prefixed).map(str::to_owned));
        names.extend(configured(ctx));
    }
    let all = ctx.env.texts().filter(|(name, _)| names.contains(*name));
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Returns the directory of the package that Cargo runs, at its own path, unless the program sees it
/// anyway.
pub(super) fn package_dir(ctx: &Ctx) -> Option<Dir> {
    let dir = ctx.env.path(MANIFEST_DIR)?;
    (!dir.starts_with(&ctx.cwd) && dir.is_dir()).then(|| Dir::writable(&dir, dir.as_str()))
}

/// Returns the names in the table `env` of Cargo's configuration files. Cargo has already set these
/// variables.
fn configured(ctx: &Ctx) -> BTreeSet<String> {
    let above = ctx.cwd.ancestors().map(|dir| dir.join(".cargo"));
    let home = ctx.env.path(HOME).map(|home| home.join(".cargo"));
    let home = ctx.env.path(CARGO_HOME).or(home);
    above.chain(home).flat_map(|dir| names_of_env(&dir)).collect()
}

fn names_of_env(dir: &Utf8Path) -> Vec<String> {
    let mut files = ["config", "config.toml"].map(|name| dir.join(name)).into_iter();
    let text = files.find_map(|path: Utf8PathBuf| fs_err::read_to_string(path).ok());
    // Cargo has already reported a file that is not TOML.
    let document = text.and_then(|text| Document::parse(text).ok());
    let table = document.as_ref().and_then(|document| document.get("env"));
    let table = table.and_then(Item::as_table_like);
    table.into_iter().flat_map(|table| table.iter()).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ctx: &Ctx) -> Vec<String> {
        variables(ctx).into_iter().map(|(name, _)| name).collect()
    }

    const SET: [(&str, &str); 6] = [
        ("CARGO_REGISTRY_TOKEN", "secret"),
        ("FROM_CONFIG", "1"),
        ("INSTA_UPDATE", "no"),
        ("RUST_LOG", "debug"),
        ("RUST_TEST_THREADS", "1"),
        ("SECRET", "x"),
    ];

    #[test]
    fn only_cargo_passes_its_variables_on() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        fs_err::create_dir_all(root.join(".cargo")).unwrap();
        let config = "[env]\nFROM_CONFIG = { value = \"1\", force = true }\nUNSET = \"2\"\n";
        fs_err::write(root.join(".cargo/config.toml"), config).unwrap();
        let package = root.join("package");
        assert_eq!(names(&Ctx::for_tests(&package, &SET)), ["RUST_LOG"]);
        let by_cargo = [&SET[..], &[(MANIFEST_DIR, root.as_str())]].concat();
        assert_eq!(
            names(&Ctx::for_tests(&package, &by_cargo)),
            [MANIFEST_DIR, "FROM_CONFIG", "INSTA_UPDATE", "RUST_LOG", "RUST_TEST_THREADS"]
        );
    }

    #[test]
    fn package_outside_the_current_directory_is_visible() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        let variables = [(MANIFEST_DIR, root.as_str())];
        assert_eq!(package_dir(&Ctx::for_tests(&root, &variables)), None);
        let inside = Ctx::for_tests(&root.join("src"), &variables);
        assert_eq!(package_dir(&inside), Some(Dir::writable(&root, root.as_str())));
        assert_eq!(package_dir(&Ctx::for_tests(&root, &[])), None);
    }
}
