//! Tests that files from package archives are refused if they are not signed by a trusted key or do
//! not match the signed digests. The tests use the archive in `fixtures/apt` and need gpgv.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_store::fetch::FetchError;
use pywasm_tests::Fresh;
use pywasm_toolchain::apt::{
    Keyring, Release, ReleaseError, Source, choose_libc, choose_llvm, packages,
};

const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");

fn fixture() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/apt")
}

/// Copies the fixture, so that tests can change it.
fn copy(fresh: &Fresh) -> Utf8PathBuf {
    let root = fresh.root().join("archive");
    for file in ["dists/stable/InRelease", "dists/stable/main/binary-amd64/Packages.gz"] {
        std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        std::fs::copy(fixture().join(file), root.join(file)).unwrap();
    }
    root
}

fn source(root: &Utf8Path, key: &str) -> Source {
    Source {
        uri: format!("file://{root}"),
        suite: "stable".to_owned(),
        components: vec!["main".to_owned()],
        keyring: Keyring::Files(vec![fixture().join(key)]),
        architectures: Vec::new(),
    }
}

fn tamper(path: &Utf8Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn signed_release_leads_to_packages() {
    for key in ["debian-archive-fixture.gpg", "debian-archive-fixture.asc"] {
        let fresh = Fresh::new(&[PATH]);
        let source = source(&fixture(), key);
        let release = Release::fetch(&source, &fresh.ctx).unwrap();
        assert_eq!(release.origin(), "Debian");
        let found =
            packages(&source, &release, "amd64", &|name| name != "unrelated", &fresh.ctx).unwrap();
        assert_eq!(found.len(), 8);
        assert_eq!(choose_llvm(&found).unwrap().major, 22);
        assert!(choose_libc(&found).unwrap().url.ends_with("/pool/wasi-libc_all.deb"));
    }
}

#[test]
fn key_in_sources_list_verifies() {
    let fresh = Fresh::new(&[PATH]);
    let armored = std::fs::read_to_string(fixture().join("debian-archive-fixture.asc")).unwrap();
    let source = Source {
        keyring: Keyring::Embedded(armored),
        ..source(&fixture(), "debian-archive-fixture.gpg")
    };
    Release::fetch(&source, &fresh.ctx).unwrap();
}

#[test]
fn changed_release_is_refused() {
    let fresh = Fresh::new(&[PATH]);
    let root = copy(&fresh);
    tamper(&root.join("dists/stable/InRelease"), "Origin: Debian", "Origin: Debiaη");
    let error =
        Release::fetch(&source(&root, "debian-archive-fixture.gpg"), &fresh.ctx).unwrap_err();
    assert!(matches!(error, ReleaseError::BadSignature { .. }), "{error}");
    assert!(error.to_string().contains("InRelease"), "{error}");
}

#[test]
fn unknown_or_missing_signature_is_refused() {
    let fresh = Fresh::new(&[PATH]);
    let error = Release::fetch(&source(&fixture(), "stranger.gpg"), &fresh.ctx).unwrap_err();
    assert!(matches!(error, ReleaseError::BadSignature { .. }), "{error}");

    let root = copy(&fresh);
    std::fs::write(root.join("dists/stable/InRelease"), "Origin: Debian\nSHA256:\n").unwrap();
    let error =
        Release::fetch(&source(&root, "debian-archive-fixture.gpg"), &fresh.ctx).unwrap_err();
    assert!(matches!(error, ReleaseError::BadSignature { .. }), "{error}");
}

#[test]
fn unsigned_text_is_not_read() {
    let fresh = Fresh::new(&[PATH]);
    let root = copy(&fresh);
    let path = root.join("dists/stable/InRelease");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("Origin: Evil\n\n{text}")).unwrap();
    match Release::fetch(&source(&root, "debian-archive-fixture.gpg"), &fresh.ctx) {
        Ok(release) => assert_eq!(release.origin(), "Debian"),
        Err(error) => assert!(matches!(error, ReleaseError::BadSignature { .. }), "{error}"),
    }
}

#[test]
fn keyring_and_verifier_are_required() {
    let fresh = Fresh::new(&[PATH]);
    let error = Release::fetch(&source(&fixture(), "no-such.gpg"), &fresh.ctx).unwrap_err();
    assert!(matches!(error, ReleaseError::NoKeyring(_)), "{error}");

    let fresh = Fresh::new(&[("PATH", "/nowhere")]);
    let source = source(&fixture(), "debian-archive-fixture.gpg");
    let error = Release::fetch(&source, &fresh.ctx).unwrap_err();
    assert!(matches!(error, ReleaseError::NoVerifier), "{error}");
}

#[test]
fn index_with_wrong_digest_is_an_error() {
    let fresh = Fresh::new(&[PATH]);
    let root = copy(&fresh);
    let source = source(&root, "debian-archive-fixture.gpg");
    let release = Release::fetch(&source, &fresh.ctx).unwrap();
    let index = root.join("dists/stable/main/binary-amd64/Packages.gz");
    let mut bytes = std::fs::read(&index).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&index, bytes).unwrap();
    let error = packages(&source, &release, "amd64", &|_| true, &fresh.ctx).unwrap_err();
    let wrong = error.chain().find_map(|cause| cause.downcast_ref::<FetchError>());
    assert!(wrong.is_some_and(FetchError::is_mismatch), "{error:#}");
}
