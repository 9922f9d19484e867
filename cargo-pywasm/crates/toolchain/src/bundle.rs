//! Unpacks programs from packages together with the C library that they were linked with. This
//! library may be newer than the machine's.
//!
//! The libraries are in `host/lib`. A launcher script starts the program through the loader of
//! these libraries, so no other program on the machine uses them.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use pywasm_store::Ctx;
use pywasm_store::fetch::{Verified, fetch};
use pywasm_store::unpack::{Limits, unpack_deb};
use sha2::{Digest as _, Sha256};

use crate::apt::{Package, SuitePackages};

/// The shared libraries that C++ programs need, as file name prefixes.
pub(super) const RUNTIME: [&str; 8] = [
    "ld-linux",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
];

/// Returns a digest of a program, computed from the digests of its packages.
pub(super) fn digest(program: &SuitePackages) -> Digest {
    let digests: Vec<String> =
        program.packages.iter().map(|package| package.sha256.to_string()).collect();
    Digest::from_bytes(Sha256::digest(digests.join(" ")).into())
}

/// Fetches the packages.
///
/// # Errors
/// When a package is unavailable, or its digest differs from the one in the signed index.
pub(super) fn fetch_all<'a>(
    program: &'a SuitePackages,
    ctx: &Ctx,
) -> anyhow::Result<Vec<(&'a Package, Verified)>> {
    let fetched = |package: &'a Package| -> anyhow::Result<_> {
        Ok((package, fetch(&package.wanted(), &package.locations(), ctx)?))
    };
    program.packages.iter().map(fetched).collect()
}

/// Unpacks the files for which `destination` returns a path in the tree. `destination` receives the
/// name of the package and the path in the package.
///
/// # Errors
/// When a package is corrupt or cannot be written.
pub(super) fn unpack(
    debs: &[(&Package, Verified)],
    tree: &Utf8Path,
    destination: fn(&str, &Utf8Path) -> Option<Utf8PathBuf>,
) -> anyhow::Result<()> {
    for (package, deb) in debs {
        let mut select = |path: &Utf8Path| destination(&package.name, path);
        unpack_deb(deb, tree, &mut select, &Limits::default())?;
    }
    Ok(())
}

/// Returns the path in the tree for a licence file, for a library in [`RUNTIME`], and for a library
/// whose file name starts with one of `libraries`. Returns `None` for other files.
pub(super) fn destination(
    package: &str,
    path: &Utf8Path,
    libraries: &[&str],
) -> Option<Utf8PathBuf> {
    let text = path.as_str();
    if text == format!("usr/share/doc/{package}/copyright") {
        return Some(format!("share/doc/{package}/copyright").into());
    }
    let name = path.file_name()?;
    // Libraries are in the multiarch directory of `/usr/lib`, or of `/lib` in older packages.
    let in_lib = text.starts_with("usr/lib/") && path.components().count() == 4
        || text.starts_with("lib/") && path.components().count() == 3;
    let library = RUNTIME.iter().chain(libraries).any(|prefix| name.starts_with(prefix));
    (in_lib && library).then(|| format!("host/lib/{name}").into())
}

/// Returns the file name of the C library's dynamic loader.
///
/// # Errors
/// When the packages do not contain one.
pub(super) fn loader(tree: &Utf8Path) -> anyhow::Result<String> {
    let lib = tree.join("host/lib");
    for entry in lib.read_dir_utf8().with_context(|| format!("cannot read `{lib}`"))? {
        let name = entry?.file_name().to_owned();
        if name.starts_with("ld-linux") {
            return Ok(name);
        }
    }
    anyhow::bail!("the packages contain no dynamic loader")
}

/// Writes a script that starts a program through the loader. `up` is the path from the script's
/// directory to the tree. It is relative, so the store can be moved.
///
/// # Errors
/// When the script cannot be written.
pub(super) fn write_launcher(
    loader: &str,
    up: &str,
    program: &str,
    path: &Utf8Path,
) -> anyhow::Result<()> {
    let text = format!(
        "#!/bin/sh\nroot=${{0%/*}}{up}\n\
         exec \"$root/host/lib/{loader}\" --library-path \"$root/host/lib\" {program} \"$@\"\n"
    );
    fs_err::create_dir_all(path.parent().context("the launcher script has no parent directory")?)?;
    fs_err::write(path, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
