//! A WASI SDK at a path that the user specified.

use anyhow::Context;
use camino::Utf8Path;
use pywasm_recipes::{SdkPin, SdkStatus};
use pywasm_session::WithHint;
use pywasm_store::fetch::sha256_of;

use super::Toolchain;
use super::check::check;
use super::source::ToolchainSource;
use super::toolchain::lib_dir;

/// Opens the toolchain in a directory.
///
/// # Errors
/// When the directory is not a toolchain, the toolchain does not work, or CPython does not work
/// with the toolchain's release.
pub(super) fn open(root: &Utf8Path) -> anyhow::Result<Toolchain> {
    let root = root
        .canonicalize_utf8()
        .with_context(|| format!("there is no WASI SDK at `{root}`"))
        .hint(hint)?;
    let release = release(&root);
    if let Some(pin) = release.and_then(SdkPin::find)
        && let SdkStatus::Refused(reason) = &pin.status
    {
        return Err(anyhow::anyhow!(
            "WASI SDK {} at `{root}` cannot be used: {reason}",
            pin.release
        ))
        .hint(hint);
    }
    let clang_version =
        check(&root).with_context(|| format!("`{root}` is not a working WASI SDK")).hint(hint)?;
    let digest = |path| -> anyhow::Result<_> { Ok(sha256_of(fs_err::File::open(path)?)?) };
    let libc = digest(lib_dir(&root).join("libc.a"))?;
    let clang = digest(root.join("bin/clang"))?;
    // The digest of clang is not enough. If most of the compiler is in shared libraries, these can
    // change while the program itself stays the same.
    let identity = format!("path {clang_version} clang sha256:{clang} libc sha256:{libc}");
    Ok(Toolchain {
        root,
        source: ToolchainSource::Path,
        identity,
        libc,
        clang_version,
        inputs: Vec::new(),
        skipped: Vec::new(),
    })
}

fn hint() -> String {
    "specify a directory that contains `bin/clang` and `share/wasi-sysroot`, or omit the path to \
     fetch a toolchain"
        .to_owned()
}

/// Returns the release number from the `VERSION` file of an SDK: 25 if the first line is `25.0`.
fn release(root: &Utf8Path) -> Option<u32> {
    let text = fs_err::read_to_string(root.join("VERSION")).ok()?;
    text.lines().next()?.split('.').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8PathBuf;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        for (file, text) in files {
            let path = root.join(file);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        (dir, root)
    }

    #[test]
    fn refused_releases_name_the_reason() {
        for number in ["26.0", "27.0+m"] {
            let (_dir, root) = tree(&[("VERSION", &format!("{number}\nllvm: 20\n"))]);
            let text = format!("{:#}", open(&root).unwrap_err());
            assert!(text.contains("wasi-libc#617"), "{text}");
        }
    }

    #[test]
    fn incomplete_directory_names_the_missing_part() {
        let (_dir, root) = tree(&[("bin/clang", ""), ("bin/wasm-ld", ""), ("bin/llvm-ar", "")]);
        let text = format!("{:#}", open(&root).unwrap_err());
        assert!(text.contains("share/wasi-sysroot"), "{text}");
    }

    #[test]
    fn missing_directory_is_named() {
        let text = format!("{:#}", open("/nowhere/sdk".into()).unwrap_err());
        assert!(text.contains("/nowhere/sdk"), "{text}");
    }
}
