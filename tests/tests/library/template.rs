//! Tests that the code that the template `canister` shares with `examples/canister` is identical in
//! both.

use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn template(path: &str) -> String {
    read(&format!("cargo-pywasm/templates/canister/{path}"))
}

fn example(path: &str) -> String {
    read(&format!("examples/canister/{path}"))
}

#[test]
fn template_and_example_share_code() {
    for path in ["build.rs", "src/state.rs"] {
        assert_eq!(template(path), example(path), "{path}");
    }
    let name = |module: &str| format!("\nconst MODULE: &str = \"{module}\";\n");
    let code = example("src/python.rs");
    assert_eq!(code.matches(&name("rules")).count(), 1);
    assert_eq!(template("src/python.rs"), code.replace(&name("rules"), &name("app")));
}

#[test]
fn template_and_example_share_manifest() {
    let manifest = example("Cargo.toml");
    let others: Vec<String> = template("manifest.toml")
        .lines()
        .filter(|line| !manifest.lines().any(|other| other == *line))
        .map(|line| line.split(['=', '.']).next().unwrap_or_default().trim().to_owned())
        .collect();
    // Only these lines in the template's manifest are not in the example's. The line `test` has a
    // different comment, and the others specify versions and the Python module.
    assert_eq!(others, ["test", "pyo3", "pywasm-build", "packages"]);
}
