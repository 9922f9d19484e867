//! Tests in which upstream is a local directory and `wasm-opt` is a shell script.

#![cfg(unix)]

use super::*;
use crate::test_machine::{self, printed};
use pywasm_store::fetch::{FetchError, sha256_of};

const WORKING: &str = "#!/bin/sh\necho 'wasm-opt version 123 (version_123)'\n";

/// A machine with its own store and upstream, and without package sources.
struct Machine {
    _dir: tempfile::TempDir,
    root: Utf8PathBuf,
    ctx: Ctx,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        let ctx = test_machine::machine(&root);
        Self { _dir: dir, root, ctx }
    }

    fn publish(&self, artifact: &Artifact, bytes: &[u8]) {
        test_machine::publish(&self.root, artifact, bytes);
    }

    /// Adds an entry to the store. The entry's `wasm-opt` is this script.
    fn store(&self, key: &str, script: &str) -> Utf8PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let program = self.ctx.store.entry(Bucket::Toolchains, key).join(PROGRAM);
        fs_err::create_dir_all(program.parent().unwrap()).unwrap();
        fs_err::write(&program, script).unwrap();
        fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn keys(&self) -> Vec<String> {
        self.ctx.store.keys(Bucket::Toolchains).unwrap()
    }
}

/// Returns an archive with the layout of an upstream release, and its pin.
fn release(program: &str) -> (Artifact, Vec<u8>) {
    let bytes = test_machine::archive(
        "binaryen-version_123",
        &[
            (PROGRAM, program, 0o755),
            ("bin/wasm-as", "", 0o755),
            ("include/binaryen-c.h", "", 0o644),
            ("lib/libbinaryen.a", "!<arch>\n", 0o644),
            ("lib/libbinaryen.dylib", "library", 0o644),
        ],
    );
    let artifact = Artifact {
        file: "binaryen-version_123-x86_64-linux.tar.gz".into(),
        sha256: sha256_of(&*bytes).unwrap(),
        size: None,
        url: "https://upstream.example/binaryen-version_123-x86_64-linux.tar.gz".into(),
        debian_source: None,
    };
    (artifact, bytes)
}

#[test]
fn program_and_shared_library_are_unpacked() {
    let machine = Machine::new();
    let (artifact, bytes) = release(WORKING);
    machine.publish(&artifact, &bytes);
    let binaryen = official(&artifact, &machine.ctx).unwrap();
    assert_eq!((binaryen.source, binaryen.release), (BinaryenSource::Official, 123));
    assert_eq!(binaryen.to_string(), "Binaryen 123");
    assert!(binaryen.program().is_file() && binaryen.root.join("lib/libbinaryen.dylib").is_file());
    for left_out in ["bin/wasm-as", "include", "lib/libbinaryen.a"] {
        assert!(!binaryen.root.join(left_out).exists(), "{left_out}");
    }
    assert_eq!(machine.keys(), [official_key(&artifact)]);
}

#[test]
fn release_that_does_not_work_leaves_nothing() {
    for program in ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho some other program\n"] {
        let machine = Machine::new();
        let (artifact, bytes) = release(program);
        machine.publish(&artifact, &bytes);
        let text = format!("{:#}", official(&artifact, &machine.ctx).unwrap_err());
        assert!(text.contains("the unpacked `wasm-opt` does not work on this machine"), "{text}");
        assert_eq!(machine.keys(), [] as [String; 0]);
    }
}

#[test]
fn wrong_digest_ends_the_search() {
    let machine = Machine::new();
    machine.publish(artifact().unwrap(), &release(WORKING).1);
    let error = Binaryen::install(BinaryenRequest::Auto, &machine.ctx).unwrap_err();
    let mismatch = pywasm_session::cause_of::<FetchError>(&error);
    assert!(mismatch.is_some_and(FetchError::is_mismatch), "{error:#}");
    assert!(!machine.ctx.reporter.lines().join("\n").contains("package archives"));
    assert_eq!(machine.keys(), [] as [String; 0]);
}

#[test]
fn packages_follow_an_unavailable_release() {
    let machine = Machine::new();
    let error = Binaryen::install(BinaryenRequest::Auto, &machine.ctx).unwrap_err();
    let text = printed(&error);
    for part in ["\n  official: ", "\n  packages: ", "have no complete Binaryen", "PYWASM_WASM_OPT"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let error = Binaryen::install(BinaryenRequest::Official, &machine.ctx).unwrap_err();
    let text = printed(&error);
    assert!(text.contains("cannot install Binaryen 123") && !text.contains("packages"), "{text}");
    let error = Binaryen::install(BinaryenRequest::Packages, &machine.ctx).unwrap_err();
    let text = printed(&error);
    assert!(text.contains("have no complete Binaryen") && !text.contains("version_123"), "{text}");
}

#[test]
fn store_has_priority_and_works_offline() {
    let mut machine = Machine::new();
    machine.ctx.offline = true;
    let text = printed(&Binaryen::install(BinaryenRequest::Auto, &machine.ctx).unwrap_err());
    assert!(text.contains("--offline") && text.contains("toolchain wasm-opt"), "{text}");

    let pinned = official_key(artifact().unwrap());
    machine.store("packages-binaryen-99-00000000", WORKING);
    let newest = machine.store("packages-binaryen-131-00000000", WORKING);
    machine.store("binaryen-122-00000000", WORKING);
    machine.store("packages-llvm-19-00000000", "");
    machine.store("rust-1.97.1-00000000", "");
    let found = |request| Binaryen::install(request, &machine.ctx).map(|it| it.program());
    assert_eq!(found(BinaryenRequest::Auto).unwrap(), newest);
    assert!(found(BinaryenRequest::Official).is_err(), "only another release is in the store");

    let official = machine.store(&pinned, WORKING);
    assert_eq!(found(BinaryenRequest::Auto).unwrap(), official);
    assert_eq!(found(BinaryenRequest::Packages).unwrap(), newest);
    assert_eq!(Binaryen::installed(&machine.ctx).unwrap().len(), 3);

    machine.store(&pinned, "#!/bin/sh\nexit 127\n");
    assert_eq!(found(BinaryenRequest::Auto).unwrap(), newest, "a broken program is ignored");
}

#[test]
fn program_and_libraries_of_packages_are_unpacked() {
    for (package, from, to) in [
        ("binaryen", "usr/bin/wasm-opt", "host/bin/wasm-opt"),
        ("binaryen", "usr/lib/x86_64-linux-gnu/libbinaryen.so", "host/lib/libbinaryen.so"),
        ("libstdc++6", "usr/lib/aarch64-linux-gnu/libstdc++.so.6", "host/lib/libstdc++.so.6"),
        ("binaryen", "usr/share/doc/binaryen/copyright", "share/doc/binaryen/copyright"),
    ] {
        assert_eq!(destination(package, from.into()).unwrap(), to);
    }
    for path in
        ["usr/bin/wasm-as", "usr/include/binaryen-c.h", "usr/lib/x86_64-linux-gnu/libz.so.1"]
    {
        assert_eq!(destination("binaryen", path.into()), None, "{path}");
    }
}

#[test]
fn version_of_another_program_is_refused() {
    assert_eq!(version("wasm-opt version 108\n"), Some("wasm-opt version 108"));
    assert_eq!(version("wasm-opt 1.0\n"), None);
    assert_eq!(version(""), None);
}
