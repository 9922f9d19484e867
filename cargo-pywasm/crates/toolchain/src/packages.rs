//! The toolchain from the machine's own package archives: no root, nothing installed.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use super::choice::{architecture, choose};
use super::prove::prove;
use super::{Input, Kind, Passed, Toolchain, layout, lib_dir, record, shims};
use crate::apt::{LlvmPackages, Package};
use pywasm_session::WithHint;
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_store::fetch::{Verified, fetch, sha256_of};
use pywasm_store::unpack::{Limits, unpack_deb};

/// Finds, fetches and unpacks the packages.
///
/// # Errors
/// When the machine has no such archives, they lack something, or a file is not what its
/// signed index says.
pub(super) fn install(passed: &[Passed], ctx: &Ctx) -> anyhow::Result<Toolchain> {
    let architecture = architecture()?;
    ctx.reporter.status("Resolving", "LLVM and wasi-libc in this machine's package archives");
    let (llvm, libc) = choose(architecture, ctx)?;
    let mut debs = Vec::new();
    for package in llvm.packages.iter().chain([&libc]) {
        debs.push((package, fetch(&package.wanted(), &package.places(), ctx)?));
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
        kind: Kind::Packages {
            llvm: llvm.packages[0].version.clone(),
            wasi_libc: libc.version.clone(),
        },
        identity,
        libc: sha256_of(fs_err::File::open(lib_dir(tree).join("libc.a"))?)?,
        clang_version: proved(tree)?,
        inputs: debs.iter().map(|(package, deb)| input(package, deb)).collect(),
        passed_over: passed.to_vec(),
    };
    record::write(&toolchain, tree)?;
    stage.commit(&root)?;
    Ok(toolchain)
}

/// [`prove`], which may find that this machine lacks a library. What a minimal system lacks was
/// made by [`shims`]; the rest is used by the compiler, so no stand-in will do.
fn proved(tree: &Utf8Path) -> anyhow::Result<String> {
    prove(tree).context("the unpacked packages do not work here").or_else(|error| {
        match missing_library(&format!("{error:#}")) {
            Some(soname) => Err(error).hint(|| {
                format!(
                    "install the package that has `{soname}` (most likely `{}`)",
                    package_of(&soname)
                )
            }),
            None => Err(error),
        }
    })
}

/// The library that the loader did not find.
fn missing_library(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("error while loading shared libraries: ")?;
    Some(rest.split_once(": cannot open shared object file")?.0.to_owned())
}

/// Debian's name of the package of a library.
///
/// Source of the rule: Debian Policy 8.1; zlib is older than it.
fn package_of(soname: &str) -> String {
    let (name, version) = soname.split_once(".so.").unwrap_or((soname, ""));
    let name = name.to_lowercase().replace('_', "-");
    match name.as_str() {
        "libz" => "zlib1g".to_owned(),
        name if name.ends_with(|c: char| c.is_ascii_digit()) => format!("{name}-{version}"),
        name => format!("{name}{version}"),
    }
}

/// Equal packages are equal tools.
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

/// Unpacks all packages into one tree, each in a thread of its own: xz is the slow part.
fn unpack(debs: &[(&Package, Verified)], major: u32, tree: &Utf8Path) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = debs
            .iter()
            .map(|(package, deb)| {
                scope.spawn(move || {
                    let mut select = |path: &Utf8Path| -> Option<Utf8PathBuf> {
                        layout::place(major, &package.name, path)
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
    anyhow::bail!("`{link}` can't be a link to `{target}` on this system")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_the_loader_misses_is_named_with_its_package() {
        let said = "can't run: failed:\n/t/bin/clang: error while loading shared libraries: \
            libtinfo.so.6: cannot open shared object file: No such file or directory";
        assert_eq!(missing_library(said).unwrap(), "libtinfo.so.6");
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
