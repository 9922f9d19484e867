//! The official WASI SDK, by its pinned digest.

use pywasm_recipes::{Artifact, CpythonPin, HostPlatform, SdkPin};

use super::prove::prove;
use super::{Input, Kind, Passed, Toolchain, lib_dir, record};
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch::{fetch, places, sha256_of};
use pywasm_store::unpack::{Limits, unpack_tar};

/// There is no official release to look for: a reason to take another road.
#[derive(Debug, thiserror::Error)]
#[error("no {0} is pinned for {arch} {os}", arch = std::env::consts::ARCH, os = std::env::consts::OS)]
pub(super) struct NotPinned(pub(super) String);

/// The archive for this machine.
fn artifact(pin: &CpythonPin) -> Result<&'static Artifact, NotPinned> {
    HostPlatform::of(std::env::consts::OS, std::env::consts::ARCH)
        .and_then(|host| SdkPin::find(pin.wasi_sdk)?.hosts.get(&host))
        .ok_or_else(|| NotPinned(format!("WASI SDK {}", pin.wasi_sdk)))
}

/// The store's key of the SDK that goes with this CPython.
pub(super) fn key(pin: &CpythonPin) -> Option<String> {
    Some(key_of(pin.wasi_sdk, artifact(pin).ok()?))
}

fn key_of(release: u32, artifact: &Artifact) -> String {
    format!("wasi-sdk-{release}-{}", artifact.sha256.short())
}

/// Fetches and unpacks it.
///
/// # Errors
/// When it can't be had, is not what is pinned, or does not work here.
pub(super) fn install(pin: &CpythonPin, passed: &[Passed], ctx: &Ctx) -> anyhow::Result<Toolchain> {
    install_release(pin.wasi_sdk, artifact(pin)?, passed, ctx)
}

fn install_release(
    release: u32,
    artifact: &Artifact,
    passed: &[Passed],
    ctx: &Ctx,
) -> anyhow::Result<Toolchain> {
    let archive = fetch(&artifact.into(), &places(artifact, &ctx.env, &[]), ctx)?;
    let root = ctx.store.entry(Bucket::Toolchains, &key_of(release, artifact));
    ctx.reporter.status("Unpacking", &artifact.file);
    let stage = ctx.store.stage(Bucket::Toolchains)?;
    unpack_tar(&archive, stage.path(), 1, &Limits::default())?;
    let clang_version = prove(stage.path())?;
    let toolchain = Toolchain {
        root: root.clone(),
        kind: Kind::Official(release),
        identity: format!("wasi-sdk {release} sha256:{}", artifact.sha256),
        libc: sha256_of(fs_err::File::open(lib_dir(stage.path()).join("libc.a"))?)?,
        clang_version,
        inputs: vec![Input {
            file: artifact.file.clone(),
            sha256: artifact.sha256,
            from: archive.from().to_owned(),
        }],
        passed_over: passed.to_vec(),
    };
    record::write(&toolchain, stage.path())?;
    stage.commit(&root)?;
    Ok(toolchain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolchainRequest;
    use crate::resolve;
    use crate::upstream::{archive, machine, publish};
    use camino::Utf8PathBuf;
    use pywasm_store::fetch::FetchError;

    /// An archive of the layout upstream publishes, with a compiler that is a shell script.
    fn fake_sdk() -> Vec<u8> {
        let clang =
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'clang version 19.1.5-wasi-sdk'\nexit 0\n";
        archive(
            "wasi-sdk-25.0-x86_64-linux",
            &[
                ("VERSION", "25.0\n", 0o644),
                ("bin/clang", clang, 0o755),
                ("bin/wasm-ld", "", 0o755),
                ("bin/llvm-ar", "", 0o755),
                ("share/wasi-sysroot/lib/wasm32-wasip1/libc.a", "!<arch>\n", 0o644),
            ],
        )
    }

    fn scratch() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        (dir, root)
    }

    #[test]
    fn an_official_release_is_fetched_unpacked_and_recorded() {
        let (_dir, root) = scratch();
        let bytes = fake_sdk();
        let artifact = Artifact {
            file: "wasi-sdk-25.0-x86_64-linux.tar.gz".into(),
            sha256: sha256_of(&*bytes).unwrap(),
            size: Some(bytes.len() as u64),
            url: "https://upstream.example/wasi-sdk-25.0-x86_64-linux.tar.gz".into(),
            debian_source: None,
        };
        let ctx = machine(&root);
        publish(&root, &artifact, &bytes);
        let toolchain = install_release(25, &artifact, &[], &ctx).unwrap();
        assert_eq!(toolchain.kind, Kind::Official(25));
        assert_eq!(toolchain.clang_version, "clang version 19.1.5-wasi-sdk");
        assert_eq!(toolchain.clang_major(), Some(19));
        assert_eq!(toolchain.inputs[0].sha256, artifact.sha256);
        assert_eq!(record::read(&toolchain.root).unwrap(), toolchain);
    }

    #[test]
    fn an_archive_that_is_not_the_pinned_one_ends_the_search_for_a_toolchain() {
        let (_dir, root) = scratch();
        let pin = CpythonPin::resolve("3.13".parse().unwrap()).unwrap();
        let ctx = machine(&root);
        publish(&root, artifact(pin).unwrap(), &fake_sdk());
        let error = resolve(&ToolchainRequest::Auto, pin, &ctx).unwrap_err();
        let wrong = pywasm_session::cause_of::<FetchError>(&error);
        assert!(wrong.is_some_and(FetchError::is_other_content), "{error:#}");
        assert!(ctx.store.keys(Bucket::Toolchains).unwrap().is_empty());
    }
}
