//! A toolchain from the machine's own package archives, unpacked without root.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_session::WithHint;
use pywasm_store::fetch::{Verified, fetch, sha256_of};
use pywasm_store::unpack::{Limits, unpack_deb};
use pywasm_store::{Bucket, Ctx};
use sha2::{Digest as _, Sha256};

use super::check::check;
use super::source::{Skipped, ToolchainSource};
use super::survey::{architecture, choose};
use super::toolchain::lib_dir;
use super::{Input, Toolchain, layout, record, shims};
use crate::apt::{LlvmPackages, Package};

/// Selects, fetches and unpacks the packages.
///
/// # Errors
/// When the machine has no package archives, when they do not contain a required package, or when a
/// file's digest differs from the one in the signed index.
pub(super) fn install(skipped: &[Skipped], ctx: &Ctx) -> anyhow::Result<Toolchain> {
    let architecture = architecture()?;
    ctx.reporter.status("Resolving", "LLVM and wasi-libc in this machine's package archives");
    let (llvm, libc) = choose(architecture, ctx)?;
    let mut debs = Vec::new();
    for package in llvm.packages.iter().chain([&libc]) {
        debs.push((package, fetch(&package.wanted(), &package.locations(), ctx)?));
    }
    let identity = identity(&llvm, &libc);
    let root = ctx.store.entry(Bucket::Toolchains, &key(&llvm, &identity));
    if let Some(toolchain) = record::read(&root) {
        return Ok(toolchain);
    }
    ctx.reporter.status("Unpacking", format!("{} packages", debs.len()));
    let stage = ctx.store.stage(Bucket::Toolchains)?;
    let tree = stage.path();
    unpack(&debs, llvm.major, tree)?;
    for (link, target) in layout::links(llvm.major) {
        symlink(&target, &tree.join(link))?;
    }
    fs_err::write(tree.join(layout::CONFIG.0), layout::CONFIG.1)?;
    shims::make(tree, ctx)?;
    let toolchain = Toolchain {
        root: root.clone(),
        source: ToolchainSource::Packages {
            llvm: llvm.packages[0].version.clone(),
            wasi_libc: libc.version.clone(),
        },
        identity,
        libc: sha256_of(fs_err::File::open(lib_dir(tree).join("libc.a"))?)?,
        clang_version: check_unpacked(tree)?,
        inputs: debs.iter().map(|(package, deb)| input(package, deb)).collect(),
        skipped: skipped.to_vec(),
    };
    record::write(&toolchain, tree)?;
    stage.commit(&root)?;
    Ok(toolchain)
}

/// Runs [`check`]. If the error shows that this machine lacks a shared library, adds a hint to
/// install the library. The libraries that the compiler never calls cannot be missing, because
/// [`shims`] has replaced them.
fn check_unpacked(tree: &Utf8Path) -> anyhow::Result<String> {
    check(tree).context("the unpacked packages do not work on this machine").or_else(|error| {
        match missing_library(&format!("{error:#}")) {
            Some(soname) => Err(error).hint(|| {
                let package = package_of(&soname);
                format!("install the package that contains `{soname}`, probably `{package}`")
            }),
            None => Err(error),
        }
    })
}

/// Returns the name of the library that the loader did not find, according to an error message.
fn missing_library(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("error while loading shared libraries: ")?;
    Some(rest.split_once(": cannot open shared object file")?.0.to_owned())
}

/// Returns the name of the Debian package of a library:
/// <https://www.debian.org/doc/debian-policy/ch-sharedlibs.html#run-time-shared-libraries>.
/// zlib is an exception: the name of its package is older than this rule.
fn package_of(soname: &str) -> String {
    let (name, version) = soname.split_once(".so.").unwrap_or((soname, ""));
    let name = name.to_lowercase().replace('_', "-");
    match name.as_str() {
        "libz" => "zlib1g".to_owned(),
        name if name.ends_with(|c: char| c.is_ascii_digit()) => format!("{name}-{version}"),
        name => format!("{name}{version}"),
    }
}

/// Returns the identity of the toolchain, which consists of the digests of its packages.
fn identity(llvm: &LlvmPackages, libc: &Package) -> String {
    let mut digests: Vec<String> = llvm
        .packages
        .iter()
        .chain([libc])
        .map(|package| format!("{} sha256:{}", package.name, package.sha256))
        .collect();
    digests.sort();
    format!("packages {}", digests.join(" "))
}

fn key(llvm: &LlvmPackages, identity: &str) -> String {
    let digest = pywasm_recipes::Digest::from_bytes(Sha256::digest(identity).into());
    format!("packages-llvm-{}-{}", llvm.major, digest.short())
}

fn input(package: &Package, deb: &Verified) -> Input {
    Input { file: deb.wanted().file.clone(), sha256: package.sha256, from: package.url.clone() }
}

/// Unpacks the packages into one tree, each in its own thread, because xz is slow.
fn unpack(debs: &[(&Package, Verified)], major: u32, tree: &Utf8Path) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = debs
            .iter()
            .map(|(package, deb)| {
                scope.spawn(move || {
                    let mut select = |path: &Utf8Path| -> Option<Utf8PathBuf> {
                        layout::destination(major, &package.name, path)
                    };
                    unpack_deb(deb, tree, &mut select, &Limits::default())
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(())
    })
}

fn symlink(target: &str, link: &Utf8Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        if let Some(parent) = link.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::os::unix::fs::symlink(target, link)?;
        Ok(())
    }
    #[cfg(not(unix))]
    anyhow::bail!("cannot create the link `{link}` to `{target}` on this system")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_library_is_named_with_its_package() {
        let message = "cannot run: failed:\n/t/bin/clang: error while loading shared libraries: \
            libtinfo.so.6: cannot open shared object file: No such file or directory";
        assert_eq!(missing_library(message).unwrap(), "libtinfo.so.6");
        assert_eq!(missing_library("clang: error: no input files"), None);
        for (soname, package) in [
            ("libtinfo.so.6", "libtinfo6"),
            ("libz.so.1", "zlib1g"),
            ("libgcc_s.so.1", "libgcc-s1"),
            ("libz3.so.4", "libz3-4"),
        ] {
            assert_eq!(package_of(soname), package);
        }
    }
}
