//! Tests of `cargo pywasm doctor`: its findings, and the exit code that predicts whether `install`
//! can succeed.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use camino::Utf8PathBuf;
use pywasm_recipes::cpython_pins;
use pywasm_tests::{Fresh, Server, archive};

use crate::binary;

/// An address where no server listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Runs `doctor` with these variables, and without any source of toolchains. Returns the exit code
/// and stdout.
fn doctor(fresh: &Fresh, args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(binary())
        .arg("doctor")
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("PYWASM_STORE", fresh.root().join("store"))
        .env("PYWASM_APT_SOURCES", fresh.root().join("no-apt"))
        .env("PYWASM_UPSTREAM", NOWHERE)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Creates a directory that contains these scripts, for use in `PATH`.
fn programs(fresh: &Fresh, scripts: &[(&str, &str)]) -> Utf8PathBuf {
    let bin = fresh.root().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for (name, script) in scripts {
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    bin
}

fn with_programs(scripts: &[(&str, &str)]) -> (Option<i32>, String) {
    let fresh = Fresh::new(&[]);
    let path = format!("{}:/usr/bin:/bin", programs(&fresh, scripts));
    doctor(&fresh, &["--offline"], &[("PATH", &path)])
}

#[test]
fn missing_programs_have_hints() {
    let fresh = Fresh::new(&[]);
    let (code, text) = doctor(&fresh, &["--offline"], &[("PATH", "/nowhere")]);
    assert_eq!(code, Some(1));
    assert!(text.contains("MISSING  C compiler") && text.contains("apt install make"), "{text}");
}

#[test]
fn old_or_other_make_is_refused() {
    let (code, text) = with_programs(&[("gmake", "echo GNU Make 3.80")]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("MISSING  make") && text.contains("3.81"), "{text}");
    let (_, text) = with_programs(&[("gmake", "echo bmake 2022")]);
    assert!(text.contains("is not GNU make"), "{text}");
}

#[test]
fn compiled_program_is_run() {
    // The compiler succeeds, but the file that it writes is not a program.
    let (code, text) = with_programs(&[("cc", r#"printf 'not a program' > "$3""#)]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("does not run on this machine"), "{text}");
}

#[test]
fn leftover_staging_is_reported() {
    let fresh = Fresh::new(&[]);
    assert!(doctor(&fresh, &["--offline"], &[]).1.contains("no incomplete entries"));
    let scratch = fresh.root().join("store/data/staging-v0/stage-dead");
    std::fs::create_dir_all(scratch).unwrap();
    let (_, text) = doctor(&fresh, &["--offline"], &[]);
    assert!(text.contains("1 incomplete") && text.contains("cache prune"), "{text}");
}

#[test]
fn no_toolchain_source_is_an_error() {
    let (code, text) = doctor(&Fresh::new(&[]), &[], &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("no source of CPython is reachable"), "{text}");
    assert!(text.contains("no source of a toolchain is reachable"), "{text}");
}

#[test]
fn stored_toolchain_needs_no_source() {
    let fresh = Fresh::new(&[]);
    let pin = cpython_pins().first().unwrap();
    let tarball = fresh.ctx.store.download(&pin.source.sha256, &pin.source.file);
    std::fs::create_dir_all(tarball.parent().unwrap()).unwrap();
    std::fs::write(tarball, "").unwrap();
    let (code, text) = doctor(&fresh, &[], &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(!text.contains("source of CPython"), "{text}");
    assert!(text.contains("no source of a toolchain is reachable"), "{text}");
}

#[test]
fn upstream_and_mirror_are_sources() {
    let server = Server::start();
    for variable in ["PYWASM_UPSTREAM", "PYWASM_MIRROR"] {
        let (_, text) = doctor(&Fresh::new(&[]), &[], &[(variable, &server.url("/x"))]);
        assert!(!text.contains("is reachable"), "{variable}: {text}");
    }
    let fresh = Fresh::new(&[]);
    let here = format!("file://{}", fresh.root());
    assert!(!doctor(&fresh, &[], &[("PYWASM_MIRROR", &here)]).1.contains("is reachable"));
    let (_, text) = doctor(&fresh, &[], &[("PYWASM_MIRROR", "file:///no/such/place")]);
    assert!(text.contains("no such directory") && text.contains("is reachable"), "{text}");
}

#[test]
fn packages_need_a_signature_verifier() {
    let server = Server::start();
    let sources = "deb [signed-by={key}] {archive} stable main\n";
    let machine = archive::machine(sources, &server);
    let apt = machine.root().join("apt");
    let apt = ("PYWASM_APT_SOURCES", apt.as_str());
    let bin = programs(&machine, &[("gpgv", "exit 0")]);
    let (_, text) = doctor(&machine, &[], &[apt, ("PATH", bin.as_str())]);
    assert!(!text.contains("is reachable"), "{text}");
    let (code, text) = doctor(&machine, &[], &[apt, ("PATH", "/nowhere")]);
    assert_eq!(code, Some(1));
    assert!(!text.contains("source of CPython"), "{text}");
    assert!(
        text.contains("no source of a toolchain is reachable") && text.contains("apt install gpgv"),
        "{text}"
    );
}

#[test]
fn mirror_password_is_not_printed() {
    let mirror = "http://me:secret@127.0.0.1:1/";
    let (_, text) = doctor(&Fresh::new(&[]), &[], &[("PYWASM_MIRROR", mirror)]);
    assert!(text.contains("http://127.0.0.1:1/") && !text.contains("secret"), "{text}");
}
