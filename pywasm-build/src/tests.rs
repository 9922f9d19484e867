//! Tests of `Build::decide` on a fake machine: a store, a Rust toolchain, a crate, and scripts in
//! place of `rustc` and the tool.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::fingerprint::fingerprint;
use crate::wasm::tests::{archive, object};
use crate::{Build, Linked, TARGET};

/// The path of the installation, relative to the fake machine's directory.
const ROOT: &str = "store/data/installs-v0/cpython-full";
/// The path of the crate's manifest, relative to the fake machine's directory.
const MANIFEST: &str = "crate/Cargo.toml";

/// A lock that is held while a script is written and while programs are started. Without it, a
/// child forked by another thread could keep the script open for writing, so that the script could
/// not be executed.
static SCRIPTS: Mutex<()> = Mutex::new(());

struct Machine {
    dir: tempfile::TempDir,
}

/// The fields of a package in `project.json`.
#[derive(Default)]
struct Table {
    cdylib: bool,
    snapshot: bool,
    freeze: &'static [&'static str],
    packages: &'static [&'static str],
    stdlib: Option<&'static str>,
    closed: Option<bool>,
    host_stack: Option<u32>,
}

impl Machine {
    /// Creates a machine with a CPython 3.13 installation, built with the recipe `full`, and a
    /// crate that links it. The crate is not a reactor.
    fn new() -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
        let libc = archive(&["open"], &[]);
        let target = "sysroot/lib/rustlib/wasm32-wasip1/lib";
        machine.write(&format!("{target}/self-contained/libc.a"), &libc);
        machine.write(&format!("{target}/self-contained/crt1-command.o"), &object(&[]));
        machine.script("rustc", "echo \"${0%/*}/sysroot\"");
        machine.install("full", &libc);
        for name in ["macros", "snapshot"] {
            machine.write(&format!("{ROOT}/lib/libpywasm_{name}.a"), b"");
        }
        machine.write(MANIFEST, b"[package]\n");
        machine.link_crate(&machine.path(ROOT), &Table::default());
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn script(&self, name: &str, text: &str) {
        let _guard = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(name, format!("#!/bin/sh\n{text}\n").as_bytes());
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    fn install(&self, recipe: &str, libc: &[u8]) -> PathBuf {
        let root = format!("store/data/installs-v0/cpython-{recipe}");
        let manifest = crate::installation::tests::manifest(&["open"]);
        let manifest = manifest.replace("\"full\"", &format!("\"{recipe}\""));
        self.write(&format!("{root}/manifest.json"), manifest.as_bytes());
        self.write(&format!("{root}/lib/wasi-libc/libc.a"), libc);
        self.path(&root)
    }

    /// Returns the package's entry in `project.json`, as the tool would write it for the current
    /// Cargo.toml.
    fn package(&self, table: &Table) -> String {
        let Table { cdylib, snapshot, freeze, packages, stdlib, closed, host_stack } = table;
        let path = self.path(MANIFEST);
        let digest = fingerprint(self.read(MANIFEST).as_bytes());
        let stdlib = stdlib.unwrap_or("dir");
        let closed = closed.map_or_else(|| "null".to_owned(), |closed| closed.to_string());
        let stack = host_stack.map_or_else(|| "null".to_owned(), |bytes| bytes.to_string());
        format!(
            r#"{{"manifests": [{{"path": {path:?}, "sha256": "", "fnv1a64": {digest:?}}}],
                "cdylib": {cdylib}, "snapshot": {snapshot}, "freeze": {freeze:?},
                "packages": {packages:?}, "stdlib": {stdlib:?}, "closed": {closed}, "host-stack": {stack}}}"#
        )
        .replace('\n', " ")
    }

    fn link_crate(&self, installation: &Path, table: &Table) {
        let tool = self.path("tool");
        let package = self.package(table);
        let text = format!(
            r#"{{"version": 3, "installation": {installation:?}, "tool": {tool:?},
                "packages": [{package}]}}"#
        );
        self.write("crate/.pywasm/project.json", text.as_bytes());
    }

    /// Writes a fake tool that records its arguments and environment, and prints these messages for
    /// the subcommands `project` and `freeze`.
    fn tool(&self, name: &str, project: &str, freeze: &str) {
        let script = format!(
            "echo \"$@\" >> \"$0.args\"; env > \"$0.env\"\n\
             case $2 in project) cat <<'END'\n{project}\nEND\n;; *) cat <<'END'\n{freeze}\nEND\n;; esac"
        );
        self.script(name, &script);
    }

    fn decide(&self, build: &Build, more: &[(&str, &str)]) -> Result<Option<Linked>, crate::Error> {
        let _guard = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
        build.decide(&|name| {
            if let Some((_, value)) = more.iter().find(|(known, _)| *known == name) {
                return Some(value.into());
            }
            match name {
                "TARGET" => Some(TARGET.into()),
                "RUSTC" => Some(self.path("rustc").into()),
                "PYWASM_STORE" => Some(self.path("store").into()),
                "CARGO_MANIFEST_DIR" => Some(self.path("crate").into()),
                "PATH" => Some("/usr/bin:/bin".into()),
                _ => None,
            }
        })
    }

    /// Returns the directives, with the machine's path removed.
    fn lines(&self, build: &Build) -> Vec<String> {
        self.lines_with(build, &[])
    }

    fn lines_with(&self, build: &Build, more: &[(&str, &str)]) -> Vec<String> {
        let linked = self.decide(build, more).unwrap().unwrap();
        let top = format!("{}/", self.dir.path().display());
        linked.directives.iter().map(|line| line.to_string().replace(&top, "")).collect()
    }
}

fn is_reactor(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains("--export=_initialize"))
}

#[test]
fn reactor_gets_a_start_file_and_its_own_arguments() {
    let machine = Machine::new();
    machine.link_crate(&machine.path(ROOT), &Table { cdylib: true, ..Table::default() });
    let self_contained = "sysroot/lib/rustlib/wasm32-wasip1/lib/self-contained";
    assert_eq!(
        machine.lines(&Build::new()),
        [
            format!("cargo::rustc-link-search=native={ROOT}/lib"),
            "cargo::rustc-link-lib=static:-bundle=python3.13".to_owned(),
            "cargo::rustc-link-lib=static:-bundle=pywasm_macros".to_owned(),
            "cargo::rustc-link-arg=-zstack-size=8388608".to_owned(),
            format!("cargo::rustc-link-arg-cdylib={self_contained}/crt1-reactor.o"),
            "cargo::rustc-link-arg-cdylib=--export=_initialize".to_owned(),
            format!("cargo::rustc-link-arg={ROOT}/lib/pywasm-exit.o"),
            "cargo::rerun-if-env-changed=PYWASM_INSTALLATION".to_owned(),
            "cargo::rerun-if-changed=crate/.pywasm/project.json".to_owned(),
            format!("cargo::rerun-if-changed={ROOT}/manifest.json"),
            "cargo::rerun-if-env-changed=CARGO_TARGET_WASM32_WASIP1_LINKER".to_owned(),
            "cargo::rerun-if-changed=crate/Cargo.toml".to_owned(),
        ]
    );
}

#[test]
fn compiler_as_linker_passes_options_on() {
    let machine = Machine::new();
    machine.link_crate(&machine.path(ROOT), &Table { cdylib: true, ..Table::default() });
    let lines = machine.lines_with(&Build::new(), &[("RUSTC_LINKER", "/sdk/bin/clang-22")]);
    let pairs: Vec<&[String]> = lines.windows(2).filter(|pair| pair[1].contains("=-")).collect();
    assert!(pairs.iter().any(|pair| pair[1].ends_with("=--export=_initialize")), "{lines:?}");
    for [before, option] in pairs.iter().filter_map(|pair| pair.first_chunk::<2>()) {
        let (key, value) = option.split_once('=').unwrap();
        assert!(value == "-Xlinker" || *before == format!("{key}=-Xlinker"), "{lines:?}");
    }
    machine.write("crate/.cargo/config.toml", b"");
    let rerun = "cargo::rerun-if-changed=crate/.cargo/config.toml".to_owned();
    assert!(machine.lines(&Build::new()).contains(&rerun));
    for linker in ["rust-lld", "/sdk/bin/wasm-ld-22"] {
        let plain = machine.lines_with(&Build::new(), &[("RUSTC_LINKER", linker)]);
        assert!(!plain.iter().any(|line| line.contains("-Xlinker")), "{plain:?}");
    }
}

#[test]
fn other_versions_of_wasi_are_refused() {
    for target in ["wasm32-wasip2", "wasm32-wasip1-threads", "wasm32-wasi", "wasm64-wasip3"] {
        let error = Machine::new().decide(&Build::new(), &[("TARGET", target)]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(target) && text.contains("--target wasm32-wasip1"), "{text}");
    }
    let none = Machine::new().decide(&Build::new(), &[("TARGET", "wasm32-unknown-unknown")]);
    assert!(none.unwrap().is_none());
}

#[test]
fn command_gets_no_arguments_for_reactors() {
    let lines = Machine::new().lines(&Build::new());
    assert!(!lines.iter().any(|line| line.contains("cdylib")), "{lines:?}");
}

/// Checks that the text of Cargo.toml is not searched for the names of settings. The settings come
/// from `project.json`.
#[test]
fn words_in_cargo_toml_are_not_settings() {
    for text in [
        "[package]\ndescription = \"has packages of data\"\n",
        "[workspace]\nmembers = [\"packages/*\"]\n[workspace.metadata.pywasm]\npython = \"3.13\"\n",
        "# cdylib, snapshot, freeze, closed and packages of pywasm\n[package]\n",
        "[dev-dependencies]\ninsta = \"1\" # snapshot tests, next to pywasm-build\n",
    ] {
        let machine = Machine::new();
        machine.write(MANIFEST, text.as_bytes());
        machine.link_crate(&machine.path(ROOT), &Table::default());
        // The machine has no tool, so `lines` would fail if the build script ran one.
        let lines = machine.lines(&Build::new());
        let is_setting = |line: &String| line.contains("snapshot") || line.contains("frozen");
        assert!(!is_reactor(&lines) && !lines.iter().any(is_setting), "{text}: {lines:?}");
    }
}

#[test]
fn changed_manifest_is_read_by_the_tool() {
    let machine = Machine::new();
    machine.write(MANIFEST, b"[package]\n[lib]\ncrate-type = [\"cdylib\"]\n");
    let package = machine.package(&Table { cdylib: true, snapshot: true, ..Table::default() });
    machine.tool("tool", &format!("{{\"package\": {package}}}"), "");
    let lines = machine.lines(&Build::new());
    assert!(is_reactor(&lines), "{lines:?}");
    assert!(lines.contains(&"cargo::rustc-link-lib=static:-bundle=pywasm_snapshot".to_owned()));
    assert!(lines.contains(&"cargo::rerun-if-changed=crate/Cargo.toml".to_owned()));
    assert_eq!(machine.read("tool.args"), "pywasm project --message-format json\n");
}

#[test]
fn unchanged_manifest_needs_no_tool() {
    let machine = Machine::new();
    machine.tool("tool", "", "");
    machine.lines(&Build::new());
    assert!(!machine.path("tool.args").exists());
}

#[test]
fn missing_project_file_runs_the_tool() {
    let machine = Machine::new();
    std::fs::remove_dir_all(machine.path("crate/.pywasm")).unwrap();
    let error = machine.decide(&Build::new(), &[]).unwrap_err().to_string();
    assert!(error.contains("cargo-pywasm") && error.contains("hint: "), "{error}");

    let package = machine.package(&Table { cdylib: true, ..Table::default() });
    machine.tool("home/bin/cargo-pywasm", &format!("{{\"package\": {package}}}"), "");
    let home = machine.path("home").display().to_string();
    assert!(is_reactor(&machine.lines_with(&Build::new(), &[("CARGO_HOME", &home)])));
}

#[test]
fn package_missing_from_the_project_file_runs_the_tool() {
    let machine = Machine::new();
    machine.write("crate/member/Cargo.toml", b"[package]\n");
    let package = machine.package(&Table { cdylib: true, ..Table::default() });
    machine.tool("tool", &format!("{{\"package\": {package}}}"), "");
    let member = machine.path("crate/member").display().to_string();
    let lines = machine.lines_with(&Build::new(), &[("CARGO_MANIFEST_DIR", &member)]);
    assert!(is_reactor(&lines), "{lines:?}");
}

#[test]
fn each_package_of_a_workspace_has_its_own_settings() {
    let machine = Machine::new();
    let package = |name: &str, cdylib: bool| {
        machine.write(&format!("crate/{name}/Cargo.toml"), b"[package]\n");
        machine
            .package(&Table { cdylib, ..Table::default() })
            .replace("crate/Cargo.toml", &format!("crate/{name}/Cargo.toml"))
    };
    let text = format!(
        r#"{{"version": 3, "installation": {:?}, "packages": [{}, {}]}}"#,
        machine.path(ROOT),
        package("one", true),
        package("two", false)
    );
    machine.write("crate/.pywasm/project.json", text.as_bytes());
    for (name, expected) in [("one", true), ("two", false)] {
        let dir = machine.path(&format!("crate/{name}")).display().to_string();
        let lines = machine.lines_with(&Build::new(), &[("CARGO_MANIFEST_DIR", &dir)]);
        assert_eq!(is_reactor(&lines), expected, "{name}");
    }
}

#[test]
fn unsupported_project_file_is_named_with_a_hint() {
    let machine = Machine::new();
    for text in ["", "{}", r#"{"version": 2, "installation": "/x"}"#, r#"{"version": 3}"#] {
        machine.write("crate/.pywasm/project.json", text.as_bytes());
        let error = machine.decide(&Build::new(), &[]).unwrap_err().to_string();
        assert!(error.contains("project.json") && error.contains("rewrites the file"), "{error}");
    }
}

#[test]
fn size_of_the_hosts_stack_is_linked() {
    let machine = Machine::new();
    let out = machine.path("out");
    std::fs::create_dir(&out).unwrap();
    let out_dir = [("OUT_DIR", out.to_str().unwrap())];
    let linked = |build: &Build| {
        let lines = machine.lines_with(build, &out_dir);
        let object = std::fs::read(out.join("pywasm-host-stack.o")).ok();
        let is_linked = lines.iter().any(|line| line.ends_with("=out/pywasm-host-stack.o"));
        assert_eq!(is_linked, object.is_some(), "{lines:?}");
        object.map(|bytes| {
            let size = 3_u32 << 20;
            bytes.windows(4).any(|window| window == size.to_le_bytes())
        })
    };
    assert_eq!(linked(&Build::new()), None);
    let table = Table { host_stack: Some(3 << 20), ..Table::default() };
    machine.link_crate(&machine.path(ROOT), &table);
    assert_eq!(linked(&Build::new()), Some(true));
    // The build script has precedence.
    assert_eq!(linked(&Build::new().host_stack(4 << 20)), Some(false));
    assert!(machine.decide(&Build::new().host_stack(1 << 16), &out_dir).is_err());
}

#[test]
fn stubs_are_linked_last() {
    let machine = Machine::new();
    machine.write(&format!("{ROOT}/lib/libpywasm_stubs.a"), b"");
    let lines = machine.lines(&Build::new().stack_size(1 << 20).no_finalize_at_exit());
    assert!(lines.contains(&"cargo::rustc-link-arg=-zstack-size=1048576".to_owned()));
    let last = lines.iter().rfind(|line| line.contains("link-arg")).unwrap();
    assert!(last.ends_with("/libpywasm_stubs.a"), "{last}");
    assert!(!lines.iter().any(|line| line.contains("pywasm-exit.o")));
}

#[test]
fn frozen_library_of_the_recipe_is_replaced_by_the_crates_own() {
    let machine = Machine::new();
    machine.write(&format!("{ROOT}/lib/libpywasm_frozen.a"), b"");
    let recipes = format!("cargo::rustc-link-search=native={ROOT}/lib");
    let whole = "cargo::rustc-link-lib=static:+whole-archive,-bundle=pywasm_frozen".to_owned();
    // The frozen library comes before libpython, so that its tables of Python modules replace
    // libpython's.
    assert_eq!(machine.lines(&Build::new())[..2], [recipes, whole.clone()]);

    let warning = r#"{"level": "warning", "text": "careful"}"#;
    machine.tool("tool", "", &format!("{warning}\n{{\"inputs\": [\"/crate/python/app\"]}}"));
    machine.link_crate(&machine.path(ROOT), &Table { cdylib: true, ..Table::default() });
    let build = Build::new().freeze(["json"]).package("python/app");
    let more = [("OUT_DIR", "/out"), ("SECRET", "s"), ("HOME", "/home/me")];
    let lines = machine.lines_with(&build, &more);
    assert_eq!(lines[..2], ["cargo::rustc-link-search=native=/out".to_owned(), whole]);
    // A reactor has a separate map, and the option for that map comes last.
    let maps: Vec<&String> = lines.iter().filter(|line| line.contains("-Map=")).collect();
    assert_eq!(
        maps,
        [
            "cargo::rustc-link-arg=-Map=/out/pywasm-link.map",
            "cargo::rustc-link-arg-cdylib=-Map=/out/pywasm-link-cdylib.map"
        ]
    );
    for line in ["cargo::rerun-if-changed=/crate/python/app", "cargo::warning=careful"] {
        assert!(lines.contains(&line.to_owned()), "{lines:?}");
    }
    let args = machine.read("tool.args");
    assert!(args.ends_with("--module json --package python/app\n"), "{args}");
    let env = machine.read("tool.env");
    assert!(env.contains("HOME=/home/me") && !env.contains("SECRET"), "{env}");
}

#[test]
fn table_that_freezes_runs_the_tool_and_its_refusal_is_shown() {
    let machine = Machine::new();
    machine.script("tool", "echo '{\"error\": [\"no jsn\"], \"hint\": \"json\"}'; exit 2");
    for table in [
        Table { freeze: &["jsn"], ..Table::default() },
        Table { packages: &["python/app"], ..Table::default() },
        Table { stdlib: Some("embedded"), ..Table::default() },
        Table { closed: Some(true), ..Table::default() },
    ] {
        machine.link_crate(&machine.path(ROOT), &table);
        let error = machine.decide(&Build::new(), &[]).unwrap_err().to_string();
        assert!(error.ends_with("no jsn\nhint: json"), "{error}");
    }
}

#[test]
fn open_set_runs_the_tool_only_if_the_recipe_freezes() {
    let machine = Machine::new();
    machine.link_crate(&machine.path(ROOT), &Table { closed: Some(false), ..Table::default() });
    machine.tool("tool", "", "{}");
    machine.lines(&Build::new());
    assert!(!machine.path("tool.args").exists());
    machine.write(&format!("{ROOT}/lib/libpywasm_frozen.a"), b"");
    machine.lines(&Build::new());
    assert!(machine.read("tool.args").starts_with("pywasm freeze "));
}

#[test]
fn libc_of_python_comes_with_its_start_file() {
    let machine = Machine::new();
    machine.install("full", &archive(&["open", "sysconf"], &[]));
    machine.link_crate(&machine.path(ROOT), &Table { cdylib: true, ..Table::default() });
    let lines = machine.lines(&Build::new());
    assert_eq!(lines[0], format!("cargo::rustc-link-search=native={ROOT}/lib/wasi-libc"));
    let reactor = format!("cargo::rustc-link-arg-cdylib={ROOT}/lib/wasi-libc/crt1-reactor.o");
    assert!(lines.contains(&reactor));
}

#[test]
fn snapshot_library_is_linked_on_request() {
    let machine = Machine::new();
    let needed = |lines: &[String]| lines.iter().any(|line| line.contains("pywasm_snapshot"));
    assert!(!needed(&machine.lines(&Build::new())));
    let lines = machine.lines(&Build::new().snapshot());
    assert!(lines.contains(&"cargo::rustc-link-lib=static:-bundle=pywasm_snapshot".to_owned()));
    let root = "cargo::rustc-link-arg=--undefined=pywasm_snapshot_end";
    assert!(lines.contains(&root.to_owned()), "{lines:?}");
    machine.link_crate(&machine.path(ROOT), &Table { snapshot: true, ..Table::default() });
    assert_eq!(machine.lines(&Build::new()), lines);
}

#[test]
fn other_targets_and_docs_rs_get_nothing() {
    let machine = Machine::new();
    for (name, value) in [("TARGET", "x86_64-unknown-linux-gnu"), ("DOCS_RS", "1")] {
        assert!(machine.decide(&Build::new(), &[(name, value)]).unwrap().is_none());
    }
}

#[test]
fn missing_installation_is_named_with_the_command() {
    let machine = Machine::new();
    std::fs::remove_dir_all(machine.path("crate/.pywasm")).unwrap();
    let build = Build::new().python("3.14").recipe("mine");
    let message = machine.decide(&build, &[]).unwrap_err().to_string();
    let command = "`cargo pywasm install --python 3.14 --recipe mine`";
    assert!(message.contains("CPython 3.14 (mine)") && message.contains(command), "{message}");
}

#[test]
fn named_installation_that_does_not_match_is_refused() {
    let machine = Machine::new();
    let other = machine.install("other", &archive(&["open"], &[]));
    let build = Build::new().recipe("full");
    assert_eq!(machine.decide(&build, &[]).unwrap().unwrap().python.recipe(), "full");
    machine.link_crate(&other, &Table::default());
    let message = machine.decide(&build, &[]).unwrap_err().to_string();
    assert!(message.contains("project.json is CPython 3.13.15 (other)"), "{message}");
    let gone = [("PYWASM_INSTALLATION", "/gone")];
    let message = machine.decide(&build, &gone).unwrap_err().to_string();
    assert!(message.contains("specified by PYWASM_INSTALLATION"), "{message}");
}
