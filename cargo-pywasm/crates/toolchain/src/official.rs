//! The pinned release of the official WASI SDK: <https://github.com/WebAssembly/wasi-sdk>.

use pywasm_recipes::{Artifact, HostPlatform, SdkPin};
use pywasm_store::fetch::{fetch, locations, sha256_of};
use pywasm_store::unpack::{Limits, unpack_tar};
use pywasm_store::{Bucket, Ctx};

use super::check::check;
use super::source::{NotPinned, Skipped, ToolchainSource};
use super::toolchain::lib_dir;
use super::{Input, Toolchain, record};

/// Returns the archive of an SDK release for this machine.
fn artifact(release: u32) -> Result<&'static Artifact, NotPinned> {
    HostPlatform::of(std::env::consts::OS, std::env::consts::ARCH)
        .and_then(|host| SdkPin::find(release)?.hosts.get(&host))
        .ok_or_else(|| NotPinned(format!("WASI SDK {release}")))
}

/// Returns the store key of an SDK release.
pub(super) fn key(release: u32) -> Option<String> {
    Some(key_of(release, artifact(release).ok()?))
}

fn key_of(release: u32, artifact: &Artifact) -> String {
    format!("wasi-sdk-{release}-{}", artifact.sha256.short())
}

/// Fetches and unpacks the SDK.
///
/// # Errors
/// When the SDK is unavailable, has a wrong digest, or does not work on this machine.
pub(super) fn install(release: u32, skipped: &[Skipped], ctx: &Ctx) -> anyhow::Result<Toolchain> {
    install_release(release, artifact(release)?, skipped, ctx)
}

fn install_release(
    release: u32,
    artifact: &Artifact,
    skipped: &[Skipped],
    ctx: &Ctx,
) -> anyhow::Result<Toolchain> {
    let archive = fetch(&artifact.into(), &locations(artifact, &ctx.env, &[]), ctx)?;
    let root = ctx.store.entry(Bucket::Toolchains, &key_of(release, artifact));
    ctx.reporter.status("Unpacking", &artifact.file);
    let stage = ctx.store.stage(Bucket::Toolchains)?;
    unpack_tar(&archive, stage.path(), 1, &Limits::default())?;
    let clang_version = check(stage.path())?;
    let toolchain = Toolchain {
        root: root.clone(),
        source: ToolchainSource::Official(release),
        identity: format!("wasi-sdk {release} sha256:{}", artifact.sha256),
        libc: sha256_of(fs_err::File::open(lib_dir(stage.path()).join("libc.a"))?)?,
        clang_version,
        inputs: vec![Input {
            file: artifact.file.clone(),
            sha256: artifact.sha256,
            from: archive.from().to_owned(),
        }],
        skipped: skipped.to_vec(),
    };
    record::write(&toolchain, stage.path())?;
    stage.commit(&root)?;
    Ok(toolchain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_machine::{archive, machine, publish};
    use crate::{Needs, ToolchainRequest, resolve};
    use camino::Utf8PathBuf;
    use pywasm_store::fetch::FetchError;

    /// Returns an archive with the layout of the official SDK. Its compiler is a shell script.
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
    fn release_is_unpacked_and_recorded() {
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
        assert_eq!(toolchain.source, ToolchainSource::Official(25));
        assert_eq!(toolchain.clang_version, "clang version 19.1.5-wasi-sdk");
        assert_eq!(toolchain.clang_major(), Some(19));
        assert_eq!(toolchain.inputs[0].sha256, artifact.sha256);
        assert_eq!(record::read(&toolchain.root).unwrap(), toolchain);
    }

    #[test]
    fn wrong_digest_ends_the_search() {
        let (_dir, root) = scratch();
        let needs = Needs { wasi_sdk: 25, clang: None };
        let ctx = machine(&root);
        publish(&root, artifact(needs.wasi_sdk).unwrap(), &fake_sdk());
        let error = resolve(&ToolchainRequest::Auto, needs, &ctx).unwrap_err();
        let mismatch = pywasm_session::cause_of::<FetchError>(&error);
        assert!(mismatch.is_some_and(FetchError::is_mismatch), "{error:#}");
        assert!(ctx.store.keys(Bucket::Toolchains).unwrap().is_empty());
    }
}
