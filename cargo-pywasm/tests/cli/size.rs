//! Tests of `cargo pywasm size`: attribution, baselines and budgets.

use std::path::Path;
use std::process::{Command, Output};

use crate::binary;

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    std::fs::write(path, bytes).expect("a file");
}

/// Creates a crate with a table in its Cargo.toml and a built wasm module with this many functions.
fn project(table: &str, functions: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let manifest = format!(
        "[package]\nname = \"mine\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [package.metadata.pywasm]\n{table}\n"
    );
    write(&dir.path().join("Cargo.toml"), manifest.as_bytes());
    write(&dir.path().join("src/main.rs"), b"fn main() {}\n");
    build(dir.path(), functions);
    dir
}

/// Writes a wasm module with this many functions to the path where Cargo would write it.
fn build(dir: &Path, functions: usize) {
    let functions: String = (0..functions)
        .map(|at| format!("(func $mpd_{at} (export \"{at}\") nop nop nop nop nop nop nop)"))
        .collect();
    let module = wat::parse_str(format!("(module (memory 1) {functions})")).expect("a module");
    write(&dir.join("target/wasm32-wasip1/release/mine.wasm"), &module);
}

fn call(dir: &Path, args: &[&str]) -> Output {
    Command::new(binary())
        .args(args)
        .current_dir(dir)
        .env("PYWASM_STORE", dir.join("store"))
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("the tool")
}

fn streams(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_byte_is_attributed() {
    let dir = project("", 3);
    let (code, text, _) = streams(&call(dir.path(), &["size"]));
    let size = std::fs::metadata(dir.path().join("target/wasm32-wasip1/release/mine.wasm"));
    let size = size.expect("a module").len();
    assert_eq!(code, Some(0));
    assert!(text.contains("mpd_… (3)") && text.contains(&format!("{size}  100.0 %")), "{text}");
    let (code, text, _) = streams(&call(dir.path(), &["size", "--json", "--by", "function"]));
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, json["modules"][0]["bytes"].as_u64()), (Some(0), Some(size)));
    assert_eq!(json["modules"][0]["entries"][0]["name"], "mpd_0");
}

#[test]
fn baseline_and_html_are_written() {
    let dir = project("", 3);
    let (code, text, _) =
        streams(&call(dir.path(), &["size", "--write-baseline", "b.json", "--html", "d/x.html"]));
    assert_eq!((code, text.as_str()), (Some(0), ""));
    let page = std::fs::read_to_string(dir.path().join("d/x.html")).expect("a page");
    assert!(page.starts_with("<!doctype html>") && page.contains("mpd_2"));
    build(dir.path(), 5);
    let (code, text, _) = streams(&call(dir.path(), &["size", "--diff", "b.json"]));
    assert_eq!(code, Some(0));
    // Each function adds ten bytes to the code section.
    assert!(text.contains("+20            30            50  larger  mpd_…"), "{text}");
}

#[test]
fn exceeded_budget_keeps_previous_output() {
    let table = "post-link = [\"strip\"]\nsize-budget = { total = 200, c = \"1kB\" }";
    let dir = project(table, 3);
    let finished = dir.path().join("target/pywasm/release/mine.wasm");
    assert_eq!(streams(&call(dir.path(), &["post-link"])).0, Some(0));
    let good = std::fs::read(&finished).expect("a module");
    // The names come from the record next to the module, because the module is stripped.
    let (_, text, _) = streams(&call(dir.path(), &["size", "--by", "function"]));
    assert!(text.contains("pywasm/release/mine.wasm") && text.contains("mpd_2"), "{text}");

    build(dir.path(), 30);
    let (code, _, text) = streams(&call(dir.path(), &["post-link"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("error[size-budget]: total: ")
            && text.contains("exceed the budget of 200 by 300"),
        "{text}"
    );
    assert!(text.contains("+270  mpd_… (30 -> 300)"), "{text}");
    assert_eq!(std::fs::read(&finished).expect("a module"), good, "nothing was written");
    let (code, _, text) = streams(&call(dir.path(), &["size", "--budget"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("(30 -> 300)"), "{text}");
    // The linked module is measured, because it is newer than the post-link output.
    assert!(text.contains("release/mine.wasm` is newer than `"), "{text}");
    let (_, text, _) = streams(&call(dir.path(), &["--message-format", "json", "post-link"]));
    assert!(text.contains("\"reason\":\"post-link-over-budget\""), "{text}");

    // The linked module has its earlier content again, so the earlier output is up to date.
    build(dir.path(), 3);
    let (code, _, text) = streams(&call(dir.path(), &["post-link"]));
    assert!(code == Some(0) && text.contains("Fresh"), "{text}");
    let (_, text, stderr) = streams(&call(dir.path(), &["size"]));
    assert!(text.contains("pywasm/release/mine.wasm"), "{text}");
    assert!(!stderr.contains("is newer than"), "{stderr}");
}

#[test]
fn unreadable_input_has_a_hint() {
    let wrong = project("size-budget = { totl = 1 }", 1);
    let dir = project("size-budget = { total = 1 }", 1);
    write(&dir.path().join("broken.wasm"), b"\0asm\x01\0\0\0\x0a\x7f");
    write(&dir.path().join("x.map"), b"VMA LMA");
    let elsewhere = tempfile::tempdir().expect("a directory");
    write(&elsewhere.path().join("x.wasm"), &wat::parse_str("(module)").expect("a module"));
    for (dir, args, expected) in [
        (dir.path(), &["size", "broken.wasm"][..], "cannot "),
        (wrong.path(), &["size", "--budget"], "did you mean `total`?"),
        (dir.path(), &["size", "--map", "x.map"], "not a linker map"),
        (dir.path(), &["size", "--archive", "x.map"], "x.map"),
        (elsewhere.path(), &["size", "x.wasm", "--budget"], "size-budget = {"),
        (elsewhere.path(), &["size", "x.wasm", "--diff", "none.wasm"], "none.wasm"),
    ] {
        let (code, _, text) = streams(&call(dir, args));
        assert_eq!(code, Some(2), "{args:?}: {text}");
        assert!(text.contains(expected), "{args:?}: {text}");
    }
}
