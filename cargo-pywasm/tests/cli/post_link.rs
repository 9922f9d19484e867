//! Tests of `cargo pywasm post-link`: its files, exit codes and messages.

use std::process::{Command, Output};

use camino::Utf8PathBuf;
use pywasm_tests::utf8;

use crate::binary;

/// A canister that imports a WASI function and contains a polyfill for it.
const CANISTER: &str = r#"(module
    (import "ic0" "msg_reply" (func $reply))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "__ic_custom_fd_close") (param i32) (result i32) i32.const 8)
    (func (export "canister_query ask") i32.const 1 call $close drop call $reply))"#;

/// A canister with an unknown import, which no replica accepts.
const REJECTED: &str = r#"(module (import "host" "secret" (func $secret))
    (func $asks (export "canister_query ask") call $secret))"#;

/// A crate, with a wasm module in its target directory as if Cargo had built it.
struct Crate {
    _dir: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Crate {
    fn new(table: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = utf8(&dir.path().canonicalize().unwrap());
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::write(root.join("src/lib.rs"), "").unwrap();
        let manifest = format!(
            "[package]\nname = \"mine\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
             [workspace]\n{table}"
        );
        std::fs::write(root.join("Cargo.toml"), manifest).unwrap();
        let new = Self { _dir: dir, root };
        new.built(CANISTER);
        new
    }

    fn built(&self, text: &str) {
        let dir = self.root.join("target/wasm32-wasip1/release");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("mine.wasm"), wat::parse_str(text).unwrap()).unwrap();
    }

    fn call(&self, args: &[&str]) -> Output {
        Command::new(binary())
            .args(["pywasm", "post-link"])
            .args(args)
            .current_dir(&self.root)
            .env("PYWASM_STORE", self.root.join("store"))
            .env_remove("PYWASM_WASM_OPT")
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .unwrap()
    }

    fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root.join(path)).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const TABLE: &str = "[package.metadata.pywasm]\npolicy = \"ic\"\n\
    post-link = [\"gzip\", \"rewire\", \"gc\", \"strip\"]\n";
const OUTPUT: &str = "target/pywasm/release/mine.wasm";

#[test]
fn steps_of_the_table_run_in_order() {
    let mine = Crate::new(TABLE);
    let input = mine.read("target/wasm32-wasip1/release/mine.wasm");
    let output = mine.call(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout), format!("{OUTPUT}\n{OUTPUT}.gz\n"));
    let stderr = text(&output.stderr);
    let rows: Vec<&str> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("      ")?.split_whitespace().next())
        .take(5)
        .collect();
    assert_eq!(rows, ["rewire", "gc", "strip", "audit", "gzip"], "{stderr}");
    assert!(stderr.contains("1 import connected") && stderr.contains("of 50,000"), "{stderr}");
    let module = mine.read(OUTPUT);
    wasmparser::validate(&module).unwrap();
    assert!(module.len() < input.len());
    assert_eq!(
        mine.read("target/wasm32-wasip1/release/mine.wasm"),
        input,
        "the input is as it was"
    );
    // Neither a second run nor a run on the output changes the output.
    let packed = mine.read(&format!("{OUTPUT}.gz"));
    assert!(mine.call(&[]).status.success());
    assert!(mine.call(&[OUTPUT, "--output", "again.wasm"]).status.success());
    assert_eq!((mine.read(OUTPUT), mine.read(&format!("{OUTPUT}.gz"))), (module, packed));
    assert_eq!(mine.read("again.wasm"), mine.read(OUTPUT));
    assert_eq!(mine.read("again.wasm.gz"), mine.read(&format!("{OUTPUT}.gz")));
}

#[test]
fn unchanged_module_is_fresh() {
    let mine = Crate::new(TABLE);
    let run = |args: &[&str]| {
        let output = mine.call(args);
        assert_eq!(text(&output.stdout), format!("{OUTPUT}\n{OUTPUT}.gz\n"));
        text(&output.stderr)
    };
    let is_fresh = |stderr: &str| stderr.contains("Fresh") && !stderr.contains("rewire");
    assert!(!is_fresh(&run(&[])));
    assert!(is_fresh(&run(&[])));
    // A changed plan, a changed or missing output, or a changed input requires a new run.
    assert!(!is_fresh(&run(&["--step", "gzip", "--step", "rewire"])));
    assert!(!is_fresh(&run(&[])));
    std::fs::write(mine.root.join(OUTPUT), b"mine now").unwrap();
    assert!(!is_fresh(&run(&[])));
    std::fs::remove_file(mine.root.join(format!("{OUTPUT}.gz"))).unwrap();
    assert!(!is_fresh(&run(&[])));
    mine.built(&CANISTER.replace("i32.const 8", "i32.const 9"));
    assert!(!is_fresh(&run(&[])));
    assert!(is_fresh(&run(&[])));
    // Warnings are repeated even if the output is up to date.
    mine.built(&CANISTER.replace("__ic_custom_fd_close", "other"));
    for _ in 0..2 {
        let stderr = run(&["--step", "rewire", "--step", "gzip"]);
        assert!(stderr.contains("the polyfill lacks: fd_close"), "{stderr}");
    }
}

#[test]
fn rejected_module_keeps_previous_output() {
    let mine = Crate::new(TABLE);
    assert!(mine.call(&[]).status.success());
    let good = (mine.read(OUTPUT), mine.read(&format!("{OUTPUT}.gz")));
    mine.built(REJECTED);
    let output = mine.call(&["--quiet"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("error[import-unknown]: host.secret"), "{stderr}");
    // The finding names a function, although the step `strip` removes names before `audit` runs.
    assert!(stderr.contains("(asks)") || stderr.contains("canister_query ask"), "{stderr}");
    assert_eq!((mine.read(OUTPUT), mine.read(&format!("{OUTPUT}.gz"))), good);
    let files = mine.root.join("target/pywasm/release").read_dir_utf8().unwrap().count();
    assert_eq!(files, 4, "the two modules, their stamp and record, and no temporary file");
}

#[test]
fn dry_run_writes_nothing() {
    let mine = Crate::new(TABLE);
    let output = mine.call(&["--dry-run", "--step", "gzip", "--step", "gc"]);
    assert_eq!(
        text(&output.stdout),
        format!(
            "target/wasm32-wasip1/release/mine.wasm -> {OUTPUT}\n\
             gc       remove unreachable code\ngzip     write a compressed copy\n"
        )
    );
    assert!(!mine.root.join("target/pywasm").exists());
}

#[test]
fn json_has_a_message_per_step_and_figure() {
    let mine = Crate::new(TABLE);
    let output = mine.call(&["--message-format", "json"]);
    let stdout = text(&output.stdout);
    let read = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let messages = read(&stdout);
    assert!(messages.iter().all(|message| message["version"] == 1), "{stdout}");
    let of = |reason: &str| {
        messages.iter().filter(|it| it["reason"] == reason).cloned().collect::<Vec<_>>()
    };
    let steps = of("post-link-step");
    assert_eq!((steps.len(), &steps[1]["step"]), (5, &"gc".into()));
    let keys: Vec<&String> = steps[1].as_object().unwrap().keys().skip(2).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    assert!(steps[1]["bytes_after"].as_u64() < steps[1]["bytes_before"].as_u64());
    assert!(
        of("post-link-figure").iter().any(|it| it["of"] == "functions" && it["limit"] == 50_000)
    );
    let written = &of("post-link-written")[0];
    assert_eq!(
        (&written["output"], &written["compressed"]),
        (&OUTPUT.into(), &format!("{OUTPUT}.gz").into())
    );
    let plan = read(&text(&mine.call(&["--message-format", "json", "--dry-run"]).stdout));
    assert_eq!(
        (&plan[0]["reason"], &plan[0]["steps"][0]["step"]),
        (&"post-link-plan".into(), &"rewire".into())
    );
    assert_eq!(of("post-link-audit")[0]["audited"][0]["findings"], serde_json::json!([]));
}

#[test]
fn invalid_plans_have_hints() {
    let mine = Crate::new("");
    for (args, expected) in [
        (&["--step", "zip"][..], "valid steps are rewire, snapshot, candid, gc"),
        (&["--step", "gc", "--step", "gc"], "`gc` is listed twice"),
        (
            &[
                "target/wasm32-wasip1/release/mine.wasm",
                "--output",
                "target/wasm32-wasip1/release/mine.wasm",
                "--step",
                "gc",
            ],
            "would replace the input",
        ),
        (&["Cargo.toml", "--output", "x.wasm"], "this is not WebAssembly"),
        (&["Cargo.toml"], "--output FILE"),
        (&["--step", "gc", "--policy", "nowhere.toml"], "read policy"),
    ] {
        let output = mine.call(args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
    // If a post-link step cannot run, the build does not start.
    let strict = Crate::new(&format!("{TABLE}require-wasm-opt = true\n"));
    let output = Command::new(binary())
        .args(["pywasm", "build", "--release"])
        .current_dir(&strict.root)
        .env("PYWASM_STORE", strict.root.join("store"))
        .env("PYWASM_WASM_OPT", "/nowhere/wasm-opt")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("`post-link` of") && stderr.contains("PYWASM_WASM_OPT"), "{stderr}");
    assert!(!strict.root.join("store").exists());
    assert!(
        strict.call(&["--step", "gc"]).status.success(),
        "named steps replace those of the table"
    );
    let broken = Crate::new("[package.metadata.pywasm]\npost-link = [\"optimize\"]\n");
    let stderr = text(&broken.call(&[]).stderr);
    assert!(stderr.contains("`optimize` is not a step") && stderr.contains("gzip"), "{stderr}");
}

/// The build rewrites the file, so it must not fail because an older version has written it.
#[test]
fn build_does_not_read_an_old_project_file() {
    let mine = Crate::new("[package.metadata.pywasm]\npost-link = [\"gc\"]\n");
    std::fs::create_dir(mine.root.join(".pywasm")).unwrap();
    std::fs::write(mine.root.join(".pywasm/project.json"), "{\"version\": 1}").unwrap();
    let output = Command::new(binary())
        .args(["pywasm", "build", "--release"])
        .current_dir(&mine.root)
        .env("PYWASM_STORE", mine.root.join("store"))
        .env("PYWASM_OFFLINE", "1")
        // No compiler is found, so Python cannot be installed.
        .env("PATH", "")
        .env("CARGO", env!("CARGO"))
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("toolchain") && !stderr.contains("project.json"), "{stderr}");
}
