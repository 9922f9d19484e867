//! A local directory stands in for upstream, and a script for the optimizer.

#![cfg(unix)]

use super::*;
use crate::upstream;
use pywasm_store::fetch::{FetchError, sha256_of};

const SAYS_ITS_VERSION: &str = "#!/bin/sh\necho 'wasm-opt version 123 (version_123)'\n";

/// A machine with a store of its own, no packages, and the upstream of `publish`.
struct Machine {
    _dir: tempfile::TempDir,
    root: Utf8PathBuf,
    ctx: Ctx,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        let ctx = upstream::machine(&root);
        Self { _dir: dir, root, ctx }
    }

    fn publish(&self, artifact: &Artifact, bytes: &[u8]) {
        upstream::publish(&self.root, artifact, bytes);
    }

    /// One in the store, as packages leave it: a script that ends as this says.
    fn keep(&self, key: &str, script: &str) -> Utf8PathBuf {
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

/// An archive of the layout upstream publishes, and its pin.
fn release(program: &str) -> (Artifact, Vec<u8>) {
    let bytes = upstream::archive(
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
fn of_a_release_the_program_and_its_shared_library_are_kept() {
    let machine = Machine::new();
    let (artifact, bytes) = release(SAYS_ITS_VERSION);
    machine.publish(&artifact, &bytes);
    let made = official(&artifact, &machine.ctx).unwrap();
    assert_eq!((made.origin, made.release), (Origin::Official, 123));
    assert_eq!(made.to_string(), "Binaryen 123");
    assert!(made.program().is_file() && made.root.join("lib/libbinaryen.dylib").is_file());
    for left_out in ["bin/wasm-as", "include", "lib/libbinaryen.a"] {
        assert!(!made.root.join(left_out).exists(), "{left_out}");
    }
    assert_eq!(machine.keys(), [official_key(&artifact)]);
}

#[test]
fn a_release_that_does_not_work_here_leaves_nothing() {
    for program in ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho some other program\n"] {
        let machine = Machine::new();
        let (artifact, bytes) = release(program);
        machine.publish(&artifact, &bytes);
        let text = format!("{:#}", official(&artifact, &machine.ctx).unwrap_err());
        assert!(text.contains("the unpacked `wasm-opt` does not work here"), "{text}");
        assert_eq!(machine.keys(), [] as [String; 0]);
    }
}

#[test]
fn a_release_that_is_not_the_pinned_one_ends_the_search() {
    let machine = Machine::new();
    machine.publish(artifact().unwrap(), &release(SAYS_ITS_VERSION).1);
    let error = Binaryen::install(BinaryenRequest::Auto, &machine.ctx).unwrap_err();
    let wrong = pywasm_session::cause_of::<FetchError>(&error);
    assert!(wrong.is_some_and(FetchError::is_other_content), "{error:#}");
    assert!(!machine.ctx.reporter.lines().join("\n").contains("package archives"));
    assert_eq!(machine.keys(), [] as [String; 0]);
}

#[test]
fn packages_are_asked_where_the_release_is_out_of_reach_unless_only_that_will_do() {
    let machine = Machine::new();
    let error = Binaryen::install(BinaryenRequest::Auto, &machine.ctx).unwrap_err();
    let text = format!("{error:#}");
    for part in ["\n  official: ", "\n  packages: ", "have no whole Binaryen", "PYWASM_WASM_OPT"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let error = Binaryen::install(BinaryenRequest::Official, &machine.ctx).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("Binaryen 123 can't be had") && !text.contains("packages"), "{text}");
    let error = Binaryen::install(BinaryenRequest::Packages, &machine.ctx).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("have no whole Binaryen") && !text.contains("version_123"), "{text}");
}

#[test]
fn what_the_store_has_is_taken_at_once_and_offline() {
    let mut machine = Machine::new();
    machine.ctx.offline = true;
    let text = format!("{:#}", Binaryen::install(BinaryenRequest::Auto, &machine.ctx).unwrap_err());
    assert!(text.contains("--offline") && text.contains("toolchain wasm-opt"), "{text}");

    let pinned = official_key(artifact().unwrap());
    machine.keep("packages-binaryen-99-00000000", SAYS_ITS_VERSION);
    let newest = machine.keep("packages-binaryen-131-00000000", SAYS_ITS_VERSION);
    machine.keep("binaryen-122-00000000", SAYS_ITS_VERSION);
    machine.keep("packages-llvm-19-00000000", "");
    machine.keep("rust-1.97.1-00000000", "");
    let found = |request| Binaryen::install(request, &machine.ctx).map(|it| it.program());
    assert_eq!(found(BinaryenRequest::Auto).unwrap(), newest);
    assert!(found(BinaryenRequest::Official).is_err(), "another release than the pinned one");

    let official = machine.keep(&pinned, SAYS_ITS_VERSION);
    assert_eq!(found(BinaryenRequest::Auto).unwrap(), official);
    assert_eq!(found(BinaryenRequest::Packages).unwrap(), newest);
    assert_eq!(Binaryen::installed(&machine.ctx).unwrap().len(), 3);

    machine.keep(&pinned, "#!/bin/sh\nexit 127\n");
    assert_eq!(found(BinaryenRequest::Auto).unwrap(), newest, "what is broken is no answer");
}

#[test]
fn the_program_and_the_libraries_it_runs_with_are_taken_from_packages() {
    for (package, from, to) in [
        ("binaryen", "usr/bin/wasm-opt", "host/bin/wasm-opt"),
        ("binaryen", "usr/lib/x86_64-linux-gnu/libbinaryen.so", "host/lib/libbinaryen.so"),
        ("libstdc++6", "usr/lib/aarch64-linux-gnu/libstdc++.so.6", "host/lib/libstdc++.so.6"),
        ("binaryen", "usr/share/doc/binaryen/copyright", "share/doc/binaryen/copyright"),
    ] {
        assert_eq!(place(package, from.into()).unwrap(), to);
    }
    for path in
        ["usr/bin/wasm-as", "usr/include/binaryen-c.h", "usr/lib/x86_64-linux-gnu/libz.so.1"]
    {
        assert_eq!(place("binaryen", path.into()), None, "{path}");
    }
}

#[test]
fn only_binaryens_own_answer_is_a_version() {
    assert_eq!(version("wasm-opt version 108\n"), Some("wasm-opt version 108"));
    assert_eq!(version("wasm-opt 1.0\n"), None);
    assert_eq!(version(""), None);
}
