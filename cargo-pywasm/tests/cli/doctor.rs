//! `cargo pywasm doctor`: what it finds, and whether it says that an install can work.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use camino::Utf8PathBuf;
use pywasm_recipes::cpython_pins;
use pywasm_tests::{Fresh, Server, archive};

use crate::binary;

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// The exit code and what it says, with these variables over a machine without any road.
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

/// A directory for `PATH` with these scripts.
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
    let (code, said) = doctor(&fresh, &["--offline"], &[("PATH", "/nowhere")]);
    assert_eq!(code, Some(1));
    assert!(said.contains("MISSING  C compiler") && said.contains("apt install make"), "{said}");
}

#[test]
fn old_or_other_make_is_refused() {
    let (code, said) = with_programs(&[("gmake", "echo GNU Make 3.80")]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("MISSING  make") && said.contains("3.81"), "{said}");
    let (_, said) = with_programs(&[("gmake", "echo bmake 2022")]);
    assert!(said.contains("is not GNU make"), "{said}");
}

#[test]
fn compiled_program_is_run() {
    // It succeeds, and what it writes can't run.
    let (code, said) = with_programs(&[("cc", r#"printf 'not a program' > "$3""#)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("does not run here"), "{said}");
}

#[test]
fn leftover_staging_is_reported() {
    let fresh = Fresh::new(&[]);
    assert!(doctor(&fresh, &["--offline"], &[]).1.contains("none is left behind"));
    let scratch = fresh.root().join("store/data/staging-v0/stage-dead");
    std::fs::create_dir_all(scratch).unwrap();
    let (_, said) = doctor(&fresh, &["--offline"], &[]);
    assert!(said.contains("1 left by runs") && said.contains("cache prune"), "{said}");
}

#[test]
fn no_toolchain_source_is_an_error() {
    let (code, said) = doctor(&Fresh::new(&[]), &[], &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no road to CPython's source"), "{said}");
    assert!(said.contains("no road to a toolchain"), "{said}");
}

#[test]
fn stored_toolchain_needs_no_source() {
    let fresh = Fresh::new(&[]);
    let pin = cpython_pins().first().unwrap();
    let tarball = fresh.ctx.store.download(&pin.source.sha256, &pin.source.file);
    std::fs::create_dir_all(tarball.parent().unwrap()).unwrap();
    std::fs::write(tarball, "").unwrap();
    let (code, said) = doctor(&fresh, &[], &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(!said.contains("CPython's source"), "{said}");
    assert!(said.contains("no road to a toolchain"), "{said}");
}

#[test]
fn upstream_and_mirror_are_sources() {
    let server = Server::start();
    for variable in ["PYWASM_UPSTREAM", "PYWASM_MIRROR"] {
        let (_, said) = doctor(&Fresh::new(&[]), &[], &[(variable, &server.url("/x"))]);
        assert!(!said.contains("no road"), "{variable}: {said}");
    }
    let fresh = Fresh::new(&[]);
    let here = format!("file://{}", fresh.root());
    assert!(!doctor(&fresh, &[], &[("PYWASM_MIRROR", &here)]).1.contains("no road"));
    let (_, said) = doctor(&fresh, &[], &[("PYWASM_MIRROR", "file:///no/such/place")]);
    assert!(said.contains("no such directory") && said.contains("no road"), "{said}");
}

#[test]
fn packages_need_a_signature_verifier() {
    let server = Server::start();
    let sources = "deb [signed-by={key}] {archive} stable main\n";
    let machine = archive::machine(sources, &server);
    let apt = machine.root().join("apt");
    let apt = ("PYWASM_APT_SOURCES", apt.as_str());
    let bin = programs(&machine, &[("gpgv", "exit 0")]);
    let (_, said) = doctor(&machine, &[], &[apt, ("PATH", bin.as_str())]);
    assert!(!said.contains("no road"), "{said}");
    let (code, said) = doctor(&machine, &[], &[apt, ("PATH", "/nowhere")]);
    assert_eq!(code, Some(1));
    assert!(!said.contains("CPython's source"), "{said}");
    assert!(said.contains("no road to a toolchain") && said.contains("apt install gpgv"), "{said}");
}

#[test]
fn mirror_password_is_not_printed() {
    let mirror = "http://me:secret@127.0.0.1:1/";
    let (_, said) = doctor(&Fresh::new(&[]), &[], &[("PYWASM_MIRROR", mirror)]);
    assert!(said.contains("http://127.0.0.1:1/") && !said.contains("secret"), "{said}");
}
