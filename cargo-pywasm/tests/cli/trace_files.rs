//! Tests of `cargo pywasm run-wasm --trace-files` on modules that mark a file as opened, as the
//! functions for embedded files do.

use std::process::{Command, Output};

use camino::Utf8Path;
use pywasm_cpython::freeze::{Embedded, PACKAGES};

use crate::binary;

/// Returns a module with two embedded files. It marks the first one, and then does the rest.
fn module(rest: &str) -> String {
    let mut embedded = Embedded::default();
    for (path, content) in [("app/opened.txt", "1"), ("app/other.txt", "22")] {
        embedded.add(PACKAGES, Utf8Path::new(path), content.into()).unwrap();
    }
    let bytes: String = embedded.to_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect();
    // The entries are the root, `/pywasm`, `app`, and the files.
    let kind = 1024 + 24 + 3 * 24 + 8;
    let open = format!("(i32.store (i32.const {kind}) (i32.const 2))");
    format!(
        r#"(module
            (memory (export "memory") 2)
            (data (i32.const 1024) "{bytes}")
            (func (export "_start") {open} {rest})
            (func (export "read") {open} {rest})
            (func (export "nothing")))"#
    )
}

fn run(module: &str, options: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.wasm"), wat::parse_str(module).unwrap()).unwrap();
    Command::new(binary())
        .args(["pywasm", "run-wasm", "--trace-files", "--stdlib", "embedded"])
        .args(options)
        .arg("mine.wasm")
        .current_dir(&dir)
        .env("PYWASM_STORE", dir.path().join("store"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn report_follows_any_end_of_the_program() {
    for (rest, options, code) in [
        ("", &[][..], 0),
        ("", &["--invoke", "nothing", "--invoke", "read"], 0),
        ("unreachable", &[], 134),
        ("(loop $again (br $again))", &["--fuel", "1000"], 125),
    ] {
        let output = run(&module(rest), options);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        let expected = "note: the program opened 1 of 2 embedded files (1 B of 3 B)\n\
                        never opened:\n       2 B      1 file   some files of app\n";
        assert!(stderr.ends_with(expected), "{stderr}");
        assert!(!text(&output.stdout).contains("opened"), "stdout is the program's");
    }
    let unused = text(&run(&module(""), &["--invoke", "nothing"]).stderr);
    assert!(unused.contains("opened 0 of 2 embedded files"), "{unused}");
    assert!(unused.ends_with("leave files out with `exclude = [\"app/*\"]`\n"), "{unused}");
}

#[test]
fn files_of_a_program_that_does_not_stop_are_unknown() {
    let output = run(&module("(loop $again (br $again))"), &["--timeout", "100ms"]);
    assert_eq!(output.status.code(), Some(124));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("warning: the files that the program opened are unknown"), "{stderr}");
}

#[test]
fn json_message_lists_all_files() {
    let output = run(&module(""), &["--message-format", "json"]);
    let expected = concat!(
        r#"{"version":1,"reason":"embedded-files","files":["#,
        r#"{"path":"/pywasm/app/opened.txt","size":1,"opened":true},"#,
        r#"{"path":"/pywasm/app/other.txt","size":2,"opened":false}]}"#,
        "\n"
    );
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn module_without_files_is_a_note() {
    let output = run(r#"(module (memory (export "memory") 1) (func (export "_start")))"#, &[]);
    assert!(output.status.success());
    assert!(
        text(&output.stderr).starts_with("note: the module contains no embedded files"),
        "{output:?}"
    );
}
