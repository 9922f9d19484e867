//! Digests of CPython's tarballs from Sigstore: <https://www.python.org/downloads/metadata/sigstore/>.
//!
//! python.org publishes a signed bundle beside each tarball. The bundle contains the digest of the
//! tarball, so only the bundle has to be downloaded. The signature is verified by the program
//! `sigstore`, the official client in Python, which can verify a digest instead of a file.

use std::process::Command;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8Path;
use pywasm_recipes::{Digest, PatchVersion, Signer};
use pywasm_session::variables::{HOME, PATH, XDG_CACHE_HOME, XDG_DATA_HOME};
use pywasm_store::Ctx;
use pywasm_store::fetch::{download_unverified, upstream};
use serde::Deserialize;

/// The size limit of a bundle. Python's bundles are 5 KB.
const LIMIT: u64 = 1 << 20;

/// The variables that `sigstore` sees: the directories of its cached keys, and proxies.
const VARIABLES: [&str; 8] = [
    HOME,
    PATH,
    XDG_CACHE_HOME,
    XDG_DATA_HOME,
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
];

/// Part of a bundle: <https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto>.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    message_signature: MessageSignature,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageSignature {
    message_digest: MessageDigest,
}

#[derive(Deserialize)]
struct MessageDigest {
    algorithm: String,
    digest: String,
}

/// Returns the digest of a release's tarball, after the program `sigstore` has verified that the
/// release manager signed it.
///
/// # Errors
/// When there is no such program or no bundle, or when the signature is not valid.
pub(super) fn digest(version: PatchVersion, ctx: &Ctx) -> anyhow::Result<Digest> {
    let program = ctx.env.program("sigstore").context("there is no `sigstore` on PATH")?;
    let signer = Signer::of(version.series)
        .with_context(|| format!("the release manager of CPython {} is unknown", version.series))?;
    let url =
        format!("https://www.python.org/ftp/python/{version}/Python-{version}.tar.xz.sigstore");
    let bundle = download_unverified(&upstream(&url, &ctx.env).url, LIMIT, ctx)?;
    let sha256 = claimed(&bundle).with_context(|| format!("{url} is not a Sigstore bundle"))?;

    let scratch = tempfile::tempdir()?;
    let path = Utf8Path::from_path(scratch.path())
        .context("the temporary directory is not UTF-8")?
        .join("bundle.sigstore");
    fs_err::write(&path, bundle)?;
    let variables = VARIABLES.iter().filter_map(|name| Some((name, ctx.env.text(name)?)));
    let output = Command::new(&program)
        .args(["verify", "identity", "--bundle", path.as_str()])
        .args(["--cert-identity", &signer.identity, "--cert-oidc-issuer", &signer.issuer])
        .arg(format!("sha256:{sha256}"))
        .env_clear()
        .envs(variables)
        .output()
        .with_context(|| format!("cannot run `{program}`"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("`sigstore` does not accept the signature of {url}: {}", end_of(&printed));
    }
    Ok(sha256)
}

/// Returns the last words of a program's output on one line. `sigstore` breaks its messages into short
/// lines.
fn end_of(printed: &str) -> String {
    const WORDS: usize = 40;
    let words: Vec<&str> = printed.split_whitespace().collect();
    words[words.len().saturating_sub(WORDS)..].join(" ")
}

/// Returns the digest in a bundle whose signature has not been verified.
fn claimed(bundle: &[u8]) -> anyhow::Result<Digest> {
    let Bundle { message_signature: MessageSignature { message_digest } } =
        serde_json::from_slice(bundle)?;
    let MessageDigest { algorithm, digest } = message_digest;
    anyhow::ensure!(algorithm == "SHA2_256", "it contains a digest of the type {algorithm}");
    let bytes: [u8; 32] = STANDARD.decode(digest)?.as_slice().try_into()?;
    Ok(Digest::from_bytes(bytes))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8PathBuf;
    use pywasm_session::variables::PYWASM_UPSTREAM;
    use std::os::unix::fs::PermissionsExt;

    const ALGORITHM: &str = "SHA2_256";

    /// Creates a machine with a program `sigstore` that writes its arguments to a file and exits with
    /// `status`, and with an upstream that has a bundle for CPython 3.14.200.
    fn machine(status: u8, algorithm: &str) -> (tempfile::TempDir, Utf8PathBuf, Ctx) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        let program = root.join("sigstore");
        let script = format!(
            "#!/bin/sh\necho \"$@\" > {root}/args\necho 'no entry' >&2\necho >&2\nexit {status}\n"
        );
        fs_err::write(&program, script).unwrap();
        fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let release = root.join("www.python.org/ftp/python/3.14.200");
        fs_err::create_dir_all(&release).unwrap();
        let digest = STANDARD.encode([7; 32]);
        let bundle = format!(
            "{{\"messageSignature\": {{\"messageDigest\": {{\"algorithm\": \"{algorithm}\", \
             \"digest\": \"{digest}\"}}}}}}"
        );
        fs_err::write(release.join("Python-3.14.200.tar.xz.sigstore"), bundle).unwrap();
        let upstream = format!("file://{root}");
        let variables = [(PATH, root.as_str()), (PYWASM_UPSTREAM, upstream.as_str())];
        let ctx = Ctx { offline: false, ..Ctx::for_tests(&root, &variables) };
        (dir, root, ctx)
    }

    #[test]
    fn digest_is_verified_with_the_identity_of_the_release_manager() {
        let (_dir, root, ctx) = machine(0, ALGORITHM);
        let found = digest("3.14.200".parse().unwrap(), &ctx).unwrap();
        assert_eq!(found, Digest::from_bytes([7; 32]));
        let args = fs_err::read_to_string(root.join("args")).unwrap();
        assert!(args.starts_with("verify identity --bundle "), "{args}");
        let rest = format!(
            "--cert-identity hugo@python.org --cert-oidc-issuer https://github.com/login/oauth \
             sha256:{found}"
        );
        assert!(args.trim_end().ends_with(&rest), "{args}");
    }

    #[test]
    fn other_signatures_and_files_are_refused() {
        let error = |status, algorithm, version: &str| {
            let (_dir, _root, ctx) = machine(status, algorithm);
            format!("{:#}", digest(version.parse().unwrap(), &ctx).unwrap_err())
        };
        let refused = error(1, ALGORITHM, "3.14.200");
        assert!(
            refused.contains("does not accept") && refused.ends_with(": no entry"),
            "{refused}"
        );
        assert!(error(0, "SHA2_512", "3.14.200").contains("is not a Sigstore bundle"));
        assert!(error(0, ALGORITHM, "3.14.201").contains("3.14.201"));
    }
}
