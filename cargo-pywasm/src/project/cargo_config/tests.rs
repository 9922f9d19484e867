//! Adds the settings to configuration files in the various forms that users write.

use super::*;
use pywasm_session::hint_of;

fn written(text: &str) -> String {
    let written = with_settings(text).unwrap();
    assert_eq!(with_settings(&written.text).unwrap().text, written.text, "written twice");
    written.text
}

/// Returns the user's own lines, in their original order.
fn own(text: &str) -> String {
    without_blocks(text).unwrap()
}

#[test]
fn new_file_is_one_block() {
    insta::assert_snapshot!(written(""), @r#"
    # >>> cargo pywasm: `cargo pywasm init` writes the lines between these markers
    # Settings for this machine only.
    include = [{ path = "../.pywasm/cargo.toml", optional = true }]

    [build]
    target = "wasm32-wasip1"

    [target.wasm32-wasip1]
    runner = "cargo pywasm run-wasm"
    # <<< cargo pywasm
    "#);
}

#[test]
fn tables_of_the_user_keep_their_lines() {
    let text = "# mine\nunstable = 1\n\n[build] # jobs\njobs = 1\n[env]\nA = \"[build]\"\n\n[target.x86_64-unknown-linux-gnu]\nlinker = \"ld\"\n";
    let result = written(text);
    insta::assert_snapshot!(result, @r#"
    # >>> cargo pywasm: `cargo pywasm init` writes the lines between these markers
    # Settings for this machine only.
    include = [{ path = "../.pywasm/cargo.toml", optional = true }]
    # <<< cargo pywasm

    # mine
    unstable = 1

    [build] # jobs
    # >>> cargo pywasm: `cargo pywasm init` writes the lines between these markers
    target = "wasm32-wasip1"
    # <<< cargo pywasm
    jobs = 1
    [env]
    A = "[build]"

    [target.x86_64-unknown-linux-gnu]
    linker = "ld"

    # >>> cargo pywasm: `cargo pywasm init` writes the lines between these markers
    [target.wasm32-wasip1]
    runner = "cargo pywasm run-wasm"
    # <<< cargo pywasm
    "#);
    assert_eq!(own(&result), text);
}

#[test]
fn values_of_the_user_are_kept() {
    let text = "[build]\ntarget = \"wasm32-unknown-unknown\"\n[target.wasm32-wasip1]\nrunner = \"wasmtime\"\n";
    let written = with_settings(text).unwrap();
    assert_eq!(written.kept, ["build.target", "target.wasm32-wasip1.runner"]);
    assert!(written.text.contains(text), "{}", written.text);
}

#[test]
fn settings_written_by_hand_are_not_repeated() {
    let ours = written("");
    let by_hand: Vec<&str> = ours.lines().filter(|line| !line.starts_with("# ")).collect();
    let by_hand = by_hand.join("\n");
    assert_eq!(with_settings(&by_hand).unwrap().text, by_hand);
}

#[test]
fn missing_newline_and_crlf_are_accepted() {
    for text in ["[net]\noffline = true", "[net]\r\noffline = true\r\n[build]\r\njobs = 2\r\n"] {
        let result = written(text);
        assert!(own(&result).starts_with(text), "{result}");
    }
}

#[test]
fn inline_tables_and_broken_marks_are_refused() {
    for text in ["build = { jobs = 1 }\n", "build.jobs = 1\n"] {
        let error = with_settings(text).unwrap_err();
        assert!(hint_of(&error).is_some_and(|hint| hint.contains("[build]")), "{error:#}");
    }
    for text in ["# <<< cargo pywasm\n", "# >>> cargo pywasm\n", "x ="] {
        assert!(with_settings(text).is_err(), "{text}");
    }
}
