//! A WASI SDK that the user names.

use anyhow::Context;
use camino::Utf8Path;
use pywasm_recipes::{SdkPin, SdkStatus};

use super::prove::prove;
use super::{Kind, Toolchain, lib_dir};
use pywasm_session::WithHint;
use pywasm_store::fetch::sha256_of;

/// The toolchain in this directory.
///
/// # Errors
/// When it is not one, does not work, or is a release that CPython does not work with.
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
            "WASI SDK {} at `{root}` can't be used: {reason}",
            pin.release
        ))
        .hint(hint);
    }
    let clang_version = prove(&root)
        .with_context(|| format!("`{root}` is not a WASI SDK that works"))
        .hint(hint)?;
    let digest = |path| -> anyhow::Result<_> { Ok(sha256_of(fs_err::File::open(path)?)?) };
    let libc = digest(lib_dir(&root).join("libc.a"))?;
    let clang = digest(root.join("bin/clang"))?;
    // A clang of shared libraries is a small program that stays the same while they change.
    let identity = format!("path {clang_version} clang sha256:{clang} libc sha256:{libc}");
    Ok(Toolchain {
        root,
        kind: Kind::Path,
        identity,
        libc,
        clang_version,
        inputs: Vec::new(),
        passed_over: Vec::new(),
    })
}

fn hint() -> String {
    "leave the path out, and a toolchain is fetched; or give the directory that holds \
     `bin/clang` and `share/wasi-sysroot`"
        .to_owned()
}

/// The release number in an SDK's `VERSION` file, whose first line is `25.0`.
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
    fn releases_that_hang_cpython_are_refused_with_the_reason() {
        for number in ["26.0", "27.0+m"] {
            let (_dir, root) = tree(&[("VERSION", &format!("{number}\nllvm: 20\n"))]);
            let text = format!("{:#}", open(&root).unwrap_err());
            assert!(text.contains("wasi-libc#617"), "{text}");
        }
    }

    #[test]
    fn a_directory_of_another_shape_names_what_is_missing() {
        let (_dir, root) = tree(&[("bin/clang", ""), ("bin/wasm-ld", ""), ("bin/llvm-ar", "")]);
        let text = format!("{:#}", open(&root).unwrap_err());
        assert!(text.contains("share/wasi-sysroot"), "{text}");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let text = format!("{:#}", open("/nowhere/sdk".into()).unwrap_err());
        assert!(text.contains("/nowhere/sdk"), "{text}");
    }
}
