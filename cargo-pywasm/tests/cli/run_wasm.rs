//! Tests of `cargo pywasm run-wasm` on modules that import functions of another host.

use std::process::{Command, Output};

use crate::binary;

/// A command that calls `host.log` if it gets an argument. Some imports are duplicates, which
/// WebAssembly allows.
const MODULE: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir"
        (func (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir"
        (func (param i32 i32 i32 i64 i32) (result i32)))
    (import "host" "log" (func (param i32 i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (import "host" "log" (func $log (param i32 i32)))
    (import "host" "now" (func $now (result i64)))
    (memory (export "memory") 1)
    (func (export "_start")
        (drop (call $sizes (i32.const 0) (i32.const 4)))
        (if (i32.gt_u (i32.load (i32.const 0)) (i32.const 1))
            (then (call $log (i32.const 0) (i32.const 0))))))"#;

/// Runs the module in a crate with these keys in its table.
fn run(keys: &str, args: &[&str]) -> Output {
    run_text(MODULE, keys, args)
}

fn run_text(module: &str, keys: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("src")).unwrap();
    std::fs::write(dir.path().join("src/lib.rs"), "").unwrap();
    let manifest =
        format!("[package]\nname = \"mine\"\n[workspace]\n[package.metadata.pywasm]\n{keys}");
    std::fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    let policy = "schema = 1\nextends = \"wasip1\"\nallow = [\"host.*\"]\n";
    std::fs::write(dir.path().join("host.toml"), policy).unwrap();
    std::fs::write(dir.path().join("mine.wasm"), wat::parse_str(module).unwrap()).unwrap();
    Command::new(binary())
        .args(["pywasm", "run-wasm"])
        .args(args)
        .current_dir(&dir)
        .env("PYWASM_STORE", dir.path().join("store"))
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn imports_of_the_projects_policy_trap_only_when_they_are_called() {
    let output = run("policy = \"host.toml\"", &["mine.wasm"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = run("policy = \"host.toml\"", &["mine.wasm", "call"]);
    assert_eq!(output.status.code(), Some(134));
    assert!(stderr(&output).contains("called `host.log`"), "{}", stderr(&output));
}

#[test]
fn any_import_can_be_trapped() {
    assert!(run("", &["--trap-imports", "mine.wasm"]).status.success());
    assert_eq!(run("", &["--trap-imports", "mine.wasm", "call"]).status.code(), Some(134));
}

#[test]
fn function_that_the_linker_has_not_found_has_its_own_hint() {
    let text = r#"(module (import "env" "Py_Initialize" (func)) (func (export "_start") call 0))"#;
    let output = run_text(text, "", &["mine.wasm"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("cargo pywasm audit-imports"), "{}", stderr(&output));
}

#[test]
fn unknown_import_is_named_with_a_hint() {
    let output = run("", &["mine.wasm"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("imports `host.log` and 1 more"), "{text}");
    assert!(text.contains("--trap-imports"), "{text}");
}
