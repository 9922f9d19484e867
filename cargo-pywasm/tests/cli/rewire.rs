//! Tests of the messages of `cargo pywasm rewire`.

use std::process::Command;

use crate::binary;

#[test]
fn imports_without_a_function_are_named() {
    let import = |name| {
        format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func (param i32) (result i32)))\n")
    };
    let text = format!(
        "(module {}{}{}(func (export \"__ic_custom_fd_sync\") (param i32) (result i32) i32.const 8))",
        import("fd_close"),
        import("fd_sync"),
        import("fd_datasync"),
    );
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.wasm"), wat::parse_str(text).unwrap()).unwrap();
    let output = Command::new(binary())
        .args(["pywasm", "rewire", "mine.wasm", "--output", "rewired.wasm"])
        .current_dir(&dir)
        .env("PYWASM_STORE", dir.path().join("store"))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("Rewired 1 import;"), "{stderr}");
    let left = "`wasi_snapshot_preview1.fd_close`, `wasi_snapshot_preview1.fd_datasync`";
    assert!(stderr.contains(left), "{stderr}");
}
