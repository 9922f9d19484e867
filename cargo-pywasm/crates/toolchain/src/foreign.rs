//! Programs of a distribution that may be newer than the machine's, unpacked from its packages.
//!
//! They are started through the loader of the C library they were linked with, which lies with the
//! other libraries in `host/lib`. Nothing else of the machine is told of it.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use sha2::{Digest as _, Sha256};

use crate::apt::{Package, SuitePackages};
use pywasm_store::Ctx;
use pywasm_store::fetch::{Verified, fetch};
use pywasm_store::unpack::{Limits, unpack_deb};

/// Shared libraries that programs in C++ run with, by the start of their names.
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

/// A digest of what a program is made of: equal packages are equal programs.
pub(super) fn digest(program: &SuitePackages) -> Digest {
    let digests: Vec<String> =
        program.packages.iter().map(|package| package.sha256.to_string()).collect();
    Digest::from_bytes(Sha256::digest(digests.join(" ")).into())
}

/// The packages' files, from the store or from the archive.
///
/// # Errors
/// When one can't be had, or is not what its signed index says.
pub(super) fn fetch_all<'a>(
    program: &'a SuitePackages,
    ctx: &Ctx,
) -> anyhow::Result<Vec<(&'a Package, Verified)>> {
    let fetched = |package: &'a Package| -> anyhow::Result<_> {
        Ok((package, fetch(&package.wanted(), &package.places(), ctx)?))
    };
    program.packages.iter().map(fetched).collect()
}

/// Unpacks what `place` finds a place for, given the package's name and the path in it.
///
/// # Errors
/// When a package is broken or can't be written.
pub(super) fn unpack(
    debs: &[(&Package, Verified)],
    tree: &Utf8Path,
    place: fn(&str, &Utf8Path) -> Option<Utf8PathBuf>,
) -> anyhow::Result<()> {
    for (package, deb) in debs {
        let mut select = |path: &Utf8Path| place(&package.name, path);
        unpack_deb(deb, tree, &mut select, &Limits::default())?;
    }
    Ok(())
}

/// Where a package's licence goes, and a library of [`RUNTIME`] or with one of these beginnings.
pub(super) fn place(package: &str, path: &Utf8Path, libraries: &[&str]) -> Option<Utf8PathBuf> {
    let text = path.as_str();
    if text == format!("usr/share/doc/{package}/copyright") {
        return Some(format!("share/doc/{package}/copyright").into());
    }
    let name = path.file_name()?;
    // Directly in the multiarch directory, or where older packages have them.
    let in_lib = text.starts_with("usr/lib/") && path.components().count() == 4
        || text.starts_with("lib/") && path.components().count() == 3;
    let library = RUNTIME.iter().chain(libraries).any(|start| name.starts_with(start));
    (in_lib && library).then(|| format!("host/lib/{name}").into())
}

/// The C library's program loader.
///
/// # Errors
/// When the packages have none.
pub(super) fn loader(tree: &Utf8Path) -> anyhow::Result<String> {
    let lib = tree.join("host/lib");
    for entry in lib.read_dir_utf8().with_context(|| format!("can't read `{lib}`"))? {
        let name = entry?.file_name().to_owned();
        if name.starts_with("ld-linux") {
            return Ok(name);
        }
    }
    anyhow::bail!("the packages have no program loader")
}

/// A script that starts a program through the loader. It finds its tree by its own place, `up`
/// from there, so the store can be moved.
///
/// # Errors
/// When it can't be written.
pub(super) fn start_through(
    loader: &str,
    up: &str,
    program: &str,
    path: &Utf8Path,
) -> anyhow::Result<()> {
    let text = format!(
        "#!/bin/sh\nroot=${{0%/*}}{up}\n\
         exec \"$root/host/lib/{loader}\" --library-path \"$root/host/lib\" {program} \"$@\"\n"
    );
    fs_err::create_dir_all(path.parent().context("a script has a directory")?)?;
    fs_err::write(path, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
