//! Tests toolchain sources. An archive is trusted only if its signature is valid. If a file has the
//! wrong digest, no further sources are tried.
#![cfg(target_os = "linux")]

use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_tests::archive::{Archive, fixtures, machine, machine_with_path};
use pywasm_tests::{Answer, Fresh, Server};
use pywasm_toolchain::{
    IndexedRelease, Needs, Toolchain, ToolchainRequest, ToolchainSource, installed, resolve,
};

const OWN: &str = "deb [signed-by={key}] {archive} own main\n";

const NEEDS: Needs = Needs { wasi_sdk: 25, clang: None };
const TRAINED: Needs = Needs { wasi_sdk: 33, clang: Some(22) };

fn packages(ctx: &Ctx) -> anyhow::Result<Toolchain> {
    resolve(&ToolchainRequest::Packages, NEEDS, ctx)
}

/// Returns the error for a refused request, and checks that the store contains no toolchain.
fn refusal(request: &ToolchainRequest, fresh: &Fresh) -> String {
    let text = format!("{:#}", resolve(request, NEEDS, &fresh.ctx).expect_err("a refusal"));
    assert!(fresh.ctx.store.keys(Bucket::Toolchains).expect("the store").is_empty(), "{text}");
    assert!(fresh.ctx.store.keys(Bucket::Staging).expect("the store").is_empty(), "{text}");
    text
}

fn flip_last(bytes: &mut [u8]) {
    *bytes.last_mut().expect("a byte") ^= 1;
}

fn output(fresh: &Fresh) -> String {
    fresh.ctx.reporter.lines().join("\n")
}

#[test]
fn packages_are_unpacked_once() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine(OWN, &server);
    let toolchain = packages(&fresh.ctx).unwrap();
    let ToolchainSource::Packages { llvm, wasi_libc } = &toolchain.source else {
        panic!("{:?}", toolchain.source)
    };
    assert_eq!((llvm.as_str(), wasi_libc.as_str()), ("1:19.1.7-3", "0.0~git20241209.574b88d-2"));
    assert_eq!(toolchain.clang_version, "fixture clang version 19");
    assert_eq!(toolchain.inputs.len(), 8);
    for part in [
        "bin/wasm32-wasip1-clang",
        "bin/wasm-ld-19",
        "bin/llvm-ranlib",
        "lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a",
        "share/wasi-sysroot/include/wasm32-wasip1/stdio.h",
        "share/doc/libllvm19/copyright",
    ] {
        assert!(toolchain.root.join(part).exists(), "{part}");
    }
    assert!(!toolchain.root.join("bin/opt").exists());

    let requests = server.requests().len();
    assert_eq!(packages(&fresh.ctx).unwrap(), toolchain);
    assert_eq!(installed(&fresh.ctx).unwrap(), [toolchain]);
    assert_eq!(server.requests().len(), requests);
}

#[test]
fn tampered_release_is_refused() {
    let archive = Archive::read().change("own/InRelease", |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("Suite: own", "Suite: 0wn").into_bytes();
    });
    let fresh = machine(OWN, &archive.serve(Server::start()));
    let text = refusal(&ToolchainRequest::Packages, &fresh);
    assert!(text.contains("own/InRelease is not valid"), "{text}");
    assert!(output(&fresh).contains("is skipped"), "{}", output(&fresh));
}

#[test]
fn unsigned_release_is_refused() {
    let archive = Archive::read().change("own/InRelease", |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let signed = text.split("\n\n").nth(1).unwrap();
        *bytes = signed.split("-----BEGIN").next().unwrap().as_bytes().to_vec();
    });
    let fresh = machine(OWN, &archive.serve(Server::start()));
    let text = refusal(&ToolchainRequest::Packages, &fresh);
    assert!(text.contains("is not valid"), "{text}");
}

#[test]
fn release_signed_by_unknown_key_is_refused() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine("deb [signed-by={key}] {archive} strangers main\n", &server);
    let text = refusal(&ToolchainRequest::Packages, &fresh);
    assert!(text.contains("strangers/InRelease is not valid"), "{text}");
    assert!(!server.requests().iter().any(|it| it.contains("Packages")), "an index was read");
}

#[test]
fn unsigned_text_is_not_read() {
    let line = |arch| format!(" {} 1 main/binary-{arch}/Packages.xz\n", "0".repeat(64));
    let lie = format!("SHA256:\n{}{}\n", line("amd64"), line("arm64"));
    let archive = Archive::read().change("own/InRelease", |bytes| {
        *bytes = [lie.as_bytes(), bytes, b"\n", lie.as_bytes()].concat();
    });
    let fresh = machine(OWN, &archive.serve(Server::start()));
    packages(&fresh.ctx).unwrap();
}

#[test]
fn tampered_index_stops_the_search() {
    let archive = Archive::read().change("own/main", |bytes| flip_last(bytes));
    let server = archive.serve(Server::start());
    let sources = format!("{OWN}deb [signed-by={{key}}] {{archive}} expired main\n");
    for request in [ToolchainRequest::Packages, ToolchainRequest::Auto] {
        let fresh = machine(&sources, &server);
        let text = refusal(&request, &fresh);
        assert!(text.contains("`Packages.xz` has the wrong SHA-256"), "{text}");
    }
    assert!(
        !server.requests().iter().any(|it| it.contains("expired")),
        "the next source was searched"
    );
}

#[test]
fn tampered_package_is_an_error() {
    let archive = Archive::read().change("pool/lld-19", |bytes| flip_last(bytes));
    let server = archive.serve(Server::start());
    for request in [ToolchainRequest::Packages, ToolchainRequest::Auto] {
        let text = refusal(&request, &machine(OWN, &server));
        assert!(text.contains("`lld-19_19.1.7-3_all.deb` has the wrong SHA-256"), "{text}");
    }
}

#[test]
fn index_without_by_hash_is_found_by_name() {
    let server = Archive::read().without("by-hash").serve(Server::start());
    packages(&machine(OWN, &server).ctx).unwrap();
    assert!(server.requests().iter().any(|it| it.contains("own/main") && it.contains("by-hash")));
}

#[test]
fn suite_of_another_origin_is_skipped() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine("deb [signed-by={key}] {archive} elsewhere main\n", &server);
    let text = refusal(&ToolchainRequest::Packages, &fresh);
    assert!(text.contains("elsewhere has the unsupported origin `Elsewhere`"), "{text}");
}

#[test]
fn distribution_comes_before_third_parties() {
    let server = Archive::read().serve(Server::start());
    let third = "deb [signed-by={other-key}] {archive} elsewhere main\n";
    packages(&machine(&format!("{third}{OWN}"), &server).ctx).unwrap();
    assert!(!server.requests().iter().any(|it| it.contains("elsewhere")));
}

#[test]
fn third_party_mirror_is_the_last_choice() {
    let server = Archive::read().serve(Server::start());
    packages(&machine("deb [signed-by={other-key}] {archive} own main\n", &server).ctx).unwrap();
}

#[test]
fn embedded_key_is_used() {
    let server = Archive::read().serve(Server::start());
    let key = std::fs::read_to_string(fixtures().join("archive.asc")).unwrap();
    let key: String = key
        .lines()
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect();
    let sources =
        format!("Types: deb\nURIs: {{archive}}\nSuites: own\nComponents: main\nSigned-By:\n{key}");
    packages(&machine(&sources, &server).ctx).unwrap();
}

#[test]
fn unreachable_archive_is_skipped_with_note() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine(&format!("deb [signed-by={{key}}] {{archive}} gone main\n{OWN}"), &server);
    packages(&fresh.ctx).unwrap();
    assert!(output(&fresh).contains("gone is skipped"), "{}", output(&fresh));
}

#[test]
fn expired_release_is_used_with_a_warning() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine("deb [signed-by={key}] {archive} expired main\n", &server);
    packages(&fresh.ctx).unwrap();
    let output = output(&fresh);
    assert!(output.contains("expired on Mon, 01 Jan 2001"), "{output}");
}

#[test]
fn missing_verifier_is_an_error() {
    let server = Archive::read().serve(Server::start());
    let text = refusal(&ToolchainRequest::Packages, &machine_with_path(OWN, &server, "/nowhere"));
    assert!(text.contains("neither `gpgv` nor `sqv`"), "{text}");
    assert!(!server.requests().iter().any(|it| it.contains("Packages")), "an index was read");
}

#[test]
fn wrong_official_sdk_stops_the_search() {
    let pinned = pywasm_recipes::SdkPin::find(NEEDS.wasi_sdk).unwrap();
    let server = pinned.hosts.values().fold(Archive::read().serve(Server::start()), |it, sdk| {
        let path = sdk.url.strip_prefix("https://").unwrap();
        it.answer(&format!("/upstream/{path}"), Answer::File(b"not the SDK".to_vec()))
    });
    for request in [ToolchainRequest::Auto, ToolchainRequest::Official] {
        let text = refusal(&request, &machine(OWN, &server));
        assert!(text.contains("has the wrong SHA-256"), "{text}");
    }
    assert!(!server.requests().iter().any(|it| it.contains("/debian/")), "packages were tried");
}

#[test]
fn packages_replace_an_unreachable_sdk() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine(OWN, &server);
    let toolchain = resolve(&ToolchainRequest::Auto, NEEDS, &fresh.ctx).unwrap();
    let sources: Vec<&str> = toolchain.skipped.iter().map(|it| it.source.as_str()).collect();
    assert_eq!(sources, ["path", "store", "official"]);
    assert!(toolchain.skipped[2].reason.contains("404"), "{:?}", toolchain.skipped);
    assert!(
        output(&fresh).contains("skipped `official` as the source of the toolchain"),
        "{}",
        output(&fresh)
    );
    assert_eq!(installed(&fresh.ctx).unwrap()[0].skipped, toolchain.skipped);
}

#[test]
fn old_compiler_in_the_store_is_used_only_if_there_is_no_newer_one() {
    let server = Archive::read().serve(Server::start());
    let mut fresh = machine(OWN, &server);
    let old = packages(&fresh.ctx).unwrap();
    let asked = |server: &Server| server.requests().iter().any(|it| it.contains("wasi-sdk-33"));
    assert!(!asked(&server));
    fresh.ctx.offline = true;
    assert_eq!(resolve(&ToolchainRequest::Auto, TRAINED, &fresh.ctx).unwrap(), old);
    fresh.ctx.offline = false;
    assert_eq!(resolve(&ToolchainRequest::Auto, TRAINED, &fresh.ctx).unwrap(), old);
    assert!(asked(&server), "{:?}", server.requests());
}

#[test]
fn failure_lists_every_source() {
    let server = Server::start();
    let text = refusal(&ToolchainRequest::Auto, &machine("", &server));
    for part in ["path: ", "store: ", "official: ", "packages: ", "no apt package sources"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn offline_sends_no_request() {
    let server = Archive::read().serve(Server::start());
    let mut fresh = machine(OWN, &server);
    fresh.ctx.offline = true;
    let text = refusal(&ToolchainRequest::Auto, &fresh);
    assert!(text.contains("there is no toolchain in the store"), "{text}");
    fresh.ctx.offline = false;
    packages(&fresh.ctx).unwrap();
    let requests = server.requests().len();
    fresh.ctx.offline = true;
    resolve(&ToolchainRequest::Auto, NEEDS, &fresh.ctx).unwrap();
    assert_eq!(server.requests().len(), requests);
}

#[test]
fn unusable_path_is_an_error() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine(OWN, &server);
    let request = ToolchainRequest::Path(fresh.root().join("sdk"));
    let text = refusal(&request, &fresh);
    assert!(text.contains("there is no WASI SDK at"), "{text}");
    assert!(server.requests().is_empty());
}

#[test]
fn release_is_found_in_the_signed_index_of_another_suite() {
    let server = Archive::read().serve(Server::start());
    let fresh = machine(OWN, &server);
    let find = |version: &str| IndexedRelease::find(version.parse().unwrap(), &fresh.ctx).unwrap();
    let found = find("3.14.200").unwrap();
    assert_eq!((found.suite.as_str(), found.source.size), ("Debian unstable", Some(8)));
    assert_eq!(found.source.debian_source.unwrap(), "python3.14/python3.14_3.14.200.orig.tar.xz");
    assert_eq!(find("3.14.201"), None, "the distribution has changed this tarball");
    let series = ["3.14", "3.15"].map(|text| text.parse().unwrap());
    let all = IndexedRelease::all(&series, &fresh.ctx).unwrap();
    let versions: Vec<String> = all.iter().map(|one| one.version.to_string()).collect();
    assert_eq!(versions, ["3.14.200", "3.15.200"]);
}

#[test]
fn changed_source_index_is_an_error() {
    let archive = Archive::read().change("source/Sources.xz", |bytes| flip_last(bytes));
    let fresh = machine(OWN, &archive.serve(Server::start()));
    let error = IndexedRelease::find("3.14.200".parse().unwrap(), &fresh.ctx).unwrap_err();
    assert!(format!("{error:#}").contains("Sources.xz"), "{error:#}");
}
