//! Reads the settings of real crates and workspaces with `cargo metadata`.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::builtin;

use super::*;
#[cfg(feature = "runtime")]
use pywasm_post_link::Step;
use pywasm_session::hint_of;
use pywasm_store::Ctx;

fn ctx(cwd: &Utf8Path, variables: &[(&str, &str)]) -> Ctx {
    Ctx::for_tests(cwd, variables)
}

fn scratch() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
    (dir, root)
}

fn write(path: Utf8PathBuf, text: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// Writes a package with this name, and with `rest` at the end of its Cargo.toml.
fn package(dir: &Utf8Path, name: &str, rest: &str) {
    let head = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    write(dir.join("Cargo.toml"), &format!("{head}{rest}"));
    write(dir.join("src/lib.rs"), "");
}

/// Creates a package that is its own workspace.
fn crate_dir(rest: &str) -> (tempfile::TempDir, Utf8PathBuf) {
    let (dir, root) = scratch();
    package(&root, "x", &format!("[workspace]\n{rest}"));
    (dir, root)
}

fn resolve(selection: &Selection, ctx: &Ctx) -> anyhow::Result<Settings> {
    Settings::resolve(selection, &Workspace::new(ctx))
}

fn project(dir: &Utf8Path) -> Option<Project> {
    Workspace::new(&ctx(dir, &[])).project().unwrap()
}

fn current(dir: &Utf8Path) -> PackageSettings {
    Workspace::new(&ctx(dir, &[])).current_package().unwrap()
}

/// Returns the name of each package in the project that contains `dir`, and a boolean that is true
/// if the package is a reactor.
fn linked(dir: &Utf8Path) -> Vec<(String, bool)> {
    let settings = Workspace::new(&ctx(dir, &[])).package_settings().unwrap();
    settings.into_iter().map(|package| (package.name, package.cdylib)).collect()
}

/// Returns a build-dependency on `pywasm-build` by path, which Cargo resolves without a network.
fn helper() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../pywasm-build");
    format!("[build-dependencies]\npywasm-build = {{ path = {path:?} }}\n")
}

#[test]
fn flags_override_environment_over_table_over_default() {
    let (_dir, root) =
        crate_dir("[package.metadata.pywasm]\npython = \"3.14\"\nrecipe = \"full\"\n");
    let python = |selection: &Selection, env: &[(&str, &str)]| {
        let settings = resolve(selection, &ctx(&root, env)).unwrap();
        (settings.python.to_string(), settings.recipe.name)
    };
    let none = Selection::default();
    let flag = Selection { python: Some("3.13.5".parse().unwrap()), recipe: None };
    let env = [("PYWASM_PYTHON", "3.13")];
    assert_eq!(python(&none, &[]), ("3.14".to_owned(), "full".to_owned()));
    assert_eq!(python(&none, &env), ("3.13".to_owned(), "full".to_owned()));
    assert_eq!(python(&flag, &env), ("3.13.5".to_owned(), "full".to_owned()));
}

#[test]
fn project_is_the_directory_of_the_table() {
    let (_dir, root) = crate_dir("[package.metadata.pywasm]\n");
    assert_eq!(project(&root.join("src")).map(|project| project.dir), Some(root));
    let (_dir, root) = crate_dir("");
    assert_eq!(project(&root), None);
}

#[test]
fn helper_by_version_differs_from_helper_by_path() {
    let table = "[package.metadata.pywasm]\n[build-dependencies]\n";
    let (_dir, root) = crate_dir(&format!("{table}pywasm-build = \"0.1\"\n"));
    assert!(project(&root).unwrap().helper_by_version);
    let (_dir, root) = crate_dir(&format!("[package.metadata.pywasm]\n{}", helper()));
    assert!(!project(&root).unwrap().helper_by_version);
}

#[test]
fn table_is_found_in_every_toml_spelling() {
    for table in [
        "[package.metadata]\npywasm = { recipe = \"full\" }\n",
        "[package.metadata]\npywasm.recipe = \"full\"\n",
        "[ package . metadata . \"pywasm\" ]\nrecipe = \"full\"\n",
        "[workspace.metadata.pywasm]\nrecipe = \"full\"\n",
    ] {
        let (_dir, root) = crate_dir(table);
        let settings = resolve(&Selection::default(), &ctx(&root, &[])).unwrap();
        assert_eq!(settings.recipe.name, "full", "{table}");
    }
}

#[test]
fn words_in_a_manifest_are_not_settings() {
    let (_dir, root) = scratch();
    let rest =
        "description = \"has packages of data\" # cdylib, snapshot, freeze, closed: pywasm\n";
    package(&root, "x", &format!("{rest}[workspace]\n{}", helper()));
    let settings = current(&root);
    assert!(!settings.cdylib && !settings.snapshot, "{settings:?}");
    assert!(settings.freeze.is_empty() && settings.packages.is_empty(), "{settings:?}");
    assert_eq!(settings.closed, None);
    assert_eq!(project(&root), None);
}

#[test]
fn members_glob_is_not_a_list_of_python_packages() {
    let (_dir, root) = scratch();
    let table = "[workspace.metadata.pywasm]\npython = \"3.13\"\n";
    write(
        root.join("Cargo.toml"),
        &format!("[workspace]\nresolver = \"2\"\nmembers = [\"packages/*\"]\n{table}"),
    );
    package(&root.join("packages/one"), "one", &helper());
    let found = project(&root.join("packages/one")).unwrap();
    assert_eq!((found.dir, found.packages), (root.clone(), Vec::new()));
    let settings = current(&root.join("packages/one"));
    assert!(settings.packages.is_empty(), "{settings:?}");
    let manifests: Vec<_> = settings.manifests.iter().map(|manifest| &manifest.path).collect();
    assert_eq!(manifests, [&root.join("packages/one/Cargo.toml"), &root.join("Cargo.toml")]);
}

#[test]
fn each_package_of_a_virtual_workspace_has_its_own_settings() {
    let (_dir, root) = scratch();
    let table =
        "[workspace.metadata.pywasm]\nfreeze = [\"json\"]\npackages = [\"python/shared\"]\n";
    write(
        root.join("Cargo.toml"),
        &format!("[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\", \"c\", \"d\"]\n{table}"),
    );
    package(&root.join("a"), "a", &format!("{}[lib]\ncrate-type = [\"cdylib\"]\n", helper()));
    package(&root.join("b"), "b", &helper());
    let own = "[package.metadata.pywasm]\nsnapshot = {}\nclosed = true\npackages = [\"app\"]\n\
        host-stack = 1048576\n";
    package(&root.join("c"), "c", &format!("{own}{}", helper()));
    package(&root.join("d"), "d", "# does not embed Python\n");

    let pair = |name: &str, cdylib: bool| (name.to_owned(), cdylib);
    // Packages without a table belong to the project of the workspace.
    for dir in [root.clone(), root.join("a"), root.join("b/src")] {
        assert_eq!(project(&dir).unwrap().dir, root, "{dir}");
    }
    assert_eq!(linked(&root), [pair("a", true), pair("b", false)]);
    assert_eq!(linked(&root.join("b")), [pair("a", true), pair("b", false)]);
    assert_eq!(project(&root.join("c")).unwrap().dir, root.join("c"));
    assert_eq!(linked(&root.join("c")), [pair("c", false)]);

    let shared = current(&root.join("a"));
    assert_eq!(shared.packages, [root.join("python/shared")]);
    let own = current(&root.join("c"));
    assert!(own.snapshot && own.closed == Some(true), "{own:?}");
    let recorded = serde_json::to_value(&own).unwrap();
    assert_eq!(recorded["host-stack"], 1_048_576);
    assert_eq!((own.freeze, own.packages), (vec!["json".to_owned()], vec![root.join("c/app")]));
}

#[test]
fn packages_of_the_workspace_table_are_relative_to_the_workspace() {
    let (_dir, root) = scratch();
    let table = "[workspace.metadata.pywasm]\npackages = [\"python/shared\"]\n";
    let members = "[workspace]\nresolver = \"2\"\nmembers = [\"a\"]\n";
    write(root.join("Cargo.toml"), &format!("{members}{table}"));
    package(&root.join("a"), "a", "[package.metadata.pywasm]\npython = \"3.13\"\n");
    let packages = project(&root.join("a")).unwrap().packages;
    let shown = "python/shared".into();
    assert_eq!(packages, [SourcePackage { path: root.join("python/shared"), shown }]);
}

#[test]
fn digests_follow_the_content_of_a_manifest() {
    let (_dir, root) = crate_dir("");
    let before = current(&root).manifests.remove(0);
    assert_eq!(before.path, root.join("Cargo.toml"));
    let text = fs_err::read_to_string(&before.path).unwrap();
    assert_eq!(before.fnv1a64, pywasm_build::fingerprint(text.as_bytes()));
    fs_err::write(&before.path, format!("{text}\n")).unwrap();
    let after = current(&root).manifests.remove(0);
    assert!(after.sha256 != before.sha256 && after.fnv1a64 != before.fnv1a64, "{after:?}");
}

#[test]
fn workspace_in_another_directory_is_found() {
    let (_dir, root) =
        crate_dir("members = [\"../m\"]\n[workspace.metadata.pywasm]\nrecipe = \"full\"\n");
    let own = tempfile::tempdir_in(root.parent().unwrap()).unwrap();
    let own = Utf8PathBuf::from_path_buf(own.path().canonicalize().unwrap()).unwrap();
    let name = own.file_name().unwrap();
    let manifest = fs_err::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("../m", &format!("../{name}"));
    fs_err::write(root.join("Cargo.toml"), manifest).unwrap();
    let other = root.file_name().unwrap();
    package(&own, "y", &format!("workspace = \"../{other}\"\n"));
    let ctx = ctx(&own, &[]);
    let settings = resolve(&Selection::default(), &ctx).unwrap();
    assert_eq!(settings.recipe.name, "full", "{:?}", ctx.reporter.lines());
}

#[test]
fn recipe_path_is_relative_to_its_manifest() {
    for path in ["mine/one.toml", "mine/one"] {
        let (_dir, root) = crate_dir(&format!("[package.metadata.pywasm]\nrecipe = \"{path}\"\n"));
        let text = builtin("full").unwrap().replace("\"full\"", "\"mine\"");
        write(root.join(path), &text);
        let settings = resolve(&Selection::default(), &ctx(&root.join("src"), &[])).unwrap();
        assert_eq!(settings.recipe.name, "mine");
    }
}

/// `CARGO` is set to a missing program, so calling Cargo would cause a warning.
#[test]
fn cargo_is_called_only_if_something_is_unknown() {
    let (_dir, root) = crate_dir("[package.metadata.pywasm]\n");
    let no_cargo = ("CARGO", "/nowhere/cargo");
    let both = [("PYWASM_PYTHON", "3.14"), ("PYWASM_RECIPE", "full"), no_cargo];
    let (_empty, empty) = scratch();
    for ctx in [ctx(&root, &both), ctx(&empty, &[no_cargo])] {
        resolve(&Selection::default(), &ctx).unwrap();
        assert!(ctx.reporter.lines().is_empty(), "{:?}", ctx.reporter.lines());
    }
}

#[cfg(unix)]
#[test]
fn cargo_is_called_once_in_a_run() {
    use std::os::unix::fs::PermissionsExt;

    let (_dir, root) = crate_dir(&format!("[package.metadata.pywasm]\n{}", helper()));
    let (_bin, bin) = scratch();
    let cargo = bin.join("cargo");
    let real = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    write(cargo.clone(), &format!("#!/bin/sh\necho x >> \"$0.calls\"\nexec {real} \"$@\"\n"));
    fs_err::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    // Retry while the script is busy: if another test forked a process while the script was being
    // written, that process may still have the script open for writing.
    let busy = std::io::ErrorKind::ExecutableFileBusy;
    let run = || std::process::Command::new(&cargo).arg("--version").output();
    while run().is_err_and(|error| error.kind() == busy) {}
    fs_err::remove_file(bin.join("cargo.calls")).unwrap();

    let ctx = ctx(&root, &[("CARGO", cargo.as_str())]);
    let workspace = Workspace::new(&ctx);
    Settings::resolve(&Selection::default(), &workspace).unwrap();
    workspace.project().unwrap().unwrap();
    workspace.policy().unwrap();
    workspace.package_settings().unwrap();
    workspace.current_package().unwrap();
    assert_eq!(fs_err::read_to_string(bin.join("cargo.calls")).unwrap(), "x\n");
}

#[test]
fn unknown_key_is_refused() {
    let (_dir, root) = crate_dir("[package.metadata.pywasm]\npyhton = \"3.14\"\n");
    let error = resolve(&Selection::default(), &ctx(&root, &[])).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("pyhton") && text.contains("python"), "{text}");
}

#[test]
fn removed_key_is_explained() {
    let (_dir, root) = crate_dir("[package.metadata.pywasm]\npack = \"lz4\"\n");
    let error = resolve(&Selection::default(), &ctx(&root, &[])).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("`pack` was removed") && text.contains("Cargo.toml"), "{text}");
}

#[test]
fn renamed_value_is_explained() {
    for section in ["package", "workspace"] {
        let (_dir, root) =
            crate_dir(&format!("[{section}.metadata.pywasm]\nstdlib = \"frozen\"\n"));
        let error = resolve(&Selection::default(), &ctx(&root, &[])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("was renamed") && text.contains("Cargo.toml"), "{text}");
        let hint = hint_of(&error).unwrap_or_default();
        assert!(hint.contains("`stdlib = \"embedded\"`"), "{hint}");
    }
    assert!("frozen".parse::<Stdlib>().unwrap_err().contains("`embedded`"));
    assert_eq!("embedded".parse(), Ok(Stdlib::Embedded));
}

#[cfg(feature = "runtime")]
#[test]
fn steps_after_the_link_include_those_that_keys_imply() {
    let steps_of = |table: &str| {
        let (_dir, root) = crate_dir(&format!("[package.metadata.pywasm]\n{table}\n"));
        Workspace::new(&ctx(&root, &[])).post_link()
    };
    let read = steps_of("post-link = [\"gzip\", \"wasm-opt\"]\nrequire-wasm-opt = true");
    let read = read.unwrap().unwrap();
    assert_eq!(read.steps, [Step::Gzip, Step::WasmOpt]);
    assert!(read.require_wasm_opt && read.policy.is_none());
    let read = steps_of("snapshot = { imports = [\"json\"], hash-seed = 7 }").unwrap().unwrap();
    assert_eq!((&read.steps[..], read.snapshot.hash_seed), (&[Step::Snapshot][..], Some(7)));
    assert_eq!(read.snapshot.imports, ["json".parse().unwrap()]);
    let error = format!("{:#}", steps_of("snapshot = { imports = [\"json,re\"] }").unwrap_err());
    assert!(error.contains("`json,re` is not a Python module name"), "{error}");
    let (_dir, root) =
        crate_dir("[package.metadata.pywasm]\npost-link = [\"gc\"]\npolicy = \"ic\"\n");
    let all = Workspace::new(&ctx(&root, &[])).post_links().unwrap();
    assert_eq!(all[&root.join("Cargo.toml")].steps, [Step::Gc, Step::Audit]);
    assert_eq!(all[&root.join("Cargo.toml")].policy.as_deref(), Some("ic"));
    // A policy does not add the step `audit` if there are no other steps.
    let (_dir, root) = crate_dir("[package.metadata.pywasm]\npolicy = \"ic\"\n");
    assert!(Workspace::new(&ctx(&root, &[])).post_links().unwrap().is_empty());
}

#[cfg(feature = "runtime")]
#[test]
fn budget_applies_without_steps_and_its_baseline_is_absolute() {
    let (_dir, root) = crate_dir(
        "[package.metadata.pywasm]\npolicy = \"ic\"\n\
         size-budget = { total = \"1kB\", baseline = \"size.json\" }\n",
    );
    let there = ctx(&root.join("src"), &[]);
    let workspace = Workspace::new(&there);
    let requested = workspace.post_links().unwrap().remove(&root.join("Cargo.toml")).unwrap();
    // A policy does not add the step `audit` if there are no other steps.
    assert_eq!(requested.steps, []);
    let budget = requested.budget.unwrap();
    assert_eq!(budget.limits.values().collect::<Vec<_>>(), [&1000]);
    assert_eq!(budget.baseline, Some(root.join("size.json")));
    assert_eq!(workspace.size_budget().unwrap(), Some(budget));
}

/// Returns the directories of the projects that Cargo builds with these arguments in `dir`,
/// relative to `root`.
#[cfg(feature = "runtime")]
fn selected(root: &Utf8Path, dir: &Utf8Path, line: &str) -> Vec<String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let ctx = ctx(dir, &[]);
    let workspace = Workspace::selected(CargoArgs::new(&words), &ctx);
    let projects = workspace.projects().unwrap();
    let dirs = projects.iter().map(|one| one.project().unwrap().unwrap().dir);
    dirs.map(|dir| dir.strip_prefix(root).unwrap().to_string()).collect()
}

#[cfg(feature = "runtime")]
#[test]
fn arguments_of_cargo_select_projects() {
    let (_dir, root) = scratch();
    let space = root.join("a b");
    write(space.join("Cargo.toml"), "[workspace]\nmembers = [\"one\", \"two\", \"plain\"]\n");
    let table = "[package.metadata.pywasm]\n";
    package(&space.join("one"), "first", table);
    package(&space.join("two"), "second", table);
    package(&space.join("plain"), "third", "");
    let is = |dir: &Utf8Path, line: &str, expected: &[&str]| {
        assert_eq!(selected(&root, dir, line), expected, "`{line}` in {dir}");
    };
    is(&space, "", &["a b/one", "a b/two"]);
    is(&space, "--workspace --release", &["a b/one", "a b/two"]);
    is(&space, "-p first", &["a b/one"]);
    is(&space, "--package=second@0.1.0", &["a b/two"]);
    is(&space, "-p f* -psecond", &["a b/one", "a b/two"]);
    is(&space, "-p third", &[]);
    is(&space.join("plain"), "", &[]);
    is(&space.join("plain"), "-p first", &["a b/one"]);
    is(&space.join("one/src"), "", &["a b/one"]);
    is(&space.join("one"), "--workspace", &["a b/one", "a b/two"]);
    is(&root.join("a b/one"), "--manifest-path ../two/Cargo.toml", &["a b/two"]);
    let relative = space.strip_prefix(&root).unwrap().join("one/Cargo.toml");
    let words = ["--manifest-path".to_owned(), relative.into_string()];
    let above = ctx(&root, &[]);
    let workspace = Workspace::selected(CargoArgs::new(&words), &above);
    assert_eq!(workspace.project().unwrap().unwrap().dir, space.join("one"));
    // A table of the workspace makes all members one project.
    let shared =
        "[workspace]\nmembers = [\"one\", \"two\", \"plain\"]\n[workspace.metadata.pywasm]\n";
    write(space.join("Cargo.toml"), shared);
    is(&space, "-p third", &["a b"]);
    is(&space.join("plain"), "", &["a b"]);
}

#[test]
fn unknown_step_lists_the_known_ones() {
    let (_dir, root) = crate_dir("[package.metadata.pywasm]\npost-link = [\"optimize\"]\n");
    let error = format!("{:#}", Workspace::new(&ctx(&root, &[])).post_link().unwrap_err());
    assert!(error.contains("`optimize` is not a step") && error.contains("wasm-opt"), "{error}");
    assert!(error.contains("Cargo.toml"), "{error}");
}

#[test]
fn crate_that_cargo_cannot_read_is_one_warning() {
    for rest in ["[package.metadata.pywasm\n", "[dependencies\nserde.workspace = true\n"] {
        let (_dir, root) = crate_dir(rest);
        let ctx = ctx(&root, &[]);
        let workspace = Workspace::new(&ctx);
        let settings = Settings::resolve(&Selection::default(), &workspace).unwrap();
        assert_eq!(settings.recipe.name, "default");
        assert_eq!(workspace.policy().unwrap(), None);
        let lines = ctx.reporter.lines();
        assert!(lines[0].contains("warning"), "{lines:?}");
        assert_eq!(lines.iter().filter(|line| line.contains("warning")).count(), 1, "{lines:?}");
        let error = format!("{:#}", workspace.current_package().unwrap_err());
        assert!(error.contains("Cargo cannot read"), "{error}");
    }
}

#[test]
fn unknown_recipe_lists_the_known_ones() {
    let error = load_recipe("ful", &ctx("/nowhere".into(), &[])).unwrap_err();
    assert!(error.to_string().contains("`ful`"), "{error:#}");
    assert!(hint_of(&error).is_some_and(|hint| hint.contains("full")), "{error:#}");
}

#[test]
fn version_of_pyo3_is_that_of_its_requirement() {
    for (requirement, expected) in [
        ("pyo3 = \"0.30.1\"", Pyo3::Current),
        ("pyo3-ffi = \"0.31\"", Pyo3::Current),
        ("pyo3 = \"*\"", Pyo3::Current),
        ("pyo3 = \">=0.28, <0.32\"", Pyo3::Old),
        ("pyo3 = \"<0.30\"", Pyo3::Old),
        ("pyo3 = { version = \"0.29\", optional = true }", Pyo3::Old),
        ("pyo3-log = \"0.12\"", Pyo3::Unused),
    ] {
        let (_dir, root) = crate_dir(&format!(
            "[package.metadata.pywasm]\npython = \"3.13\"\n[dependencies]\n{requirement}\n"
        ));
        assert_eq!(project(&root).unwrap().pyo3, expected, "{requirement}");
    }
}
