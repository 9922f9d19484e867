//! Selects the packages of a toolchain from indexes. Accesses neither the network nor the disk.
//!
//! Archives replace old versions of packages, so no exact version is listed here. Instead, the
//! newest complete LLVM and the oldest wasi-libc that is new enough are selected.

use std::collections::BTreeMap;

use super::index::Package;
use super::version::compare_versions;

/// The oldest LLVM whose clang accepts `--target` in configuration files.
const OLDEST_LLVM: u32 = 16;
/// The date of the oldest suitable wasi-libc, shortly before the release of WASI SDK 24 (July
/// 2024), the oldest SDK that can build CPython 3.13 and 3.14.
const OLDEST_LIBC: u32 = 20_240_601;

/// The packages of an LLVM release, all with the same version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlvmPackages {
    /// The major version of LLVM.
    pub major: u32,
    /// The packages, sorted by name.
    pub packages: Vec<Package>,
}

/// Returns the possible names of each package that a toolchain with LLVM `major` needs. The suffix
/// `t64` comes from the transition to 64-bit time:
/// <https://wiki.debian.org/ReleaseGoals/64bit-time>.
fn needed(major: u32) -> [Vec<String>; 7] {
    [
        vec![format!("clang-{major}")],
        vec![format!("lld-{major}")],
        vec![format!("llvm-{major}")],
        vec![format!("libllvm{major}"), format!("libllvm{major}t64")],
        vec![format!("libclang-cpp{major}"), format!("libclang-cpp{major}t64")],
        vec![format!("libclang-common-{major}-dev")],
        vec![format!("libclang-rt-{major}-dev-wasm32")],
    ]
}

/// Returns true if a package of this name may be selected.
#[must_use]
pub(crate) fn is_candidate(name: &str) -> bool {
    name == "wasi-libc"
        || [
            "clang-",
            "lld-",
            "llvm-",
            "libllvm",
            "libclang-cpp",
            "libclang-common-",
            "libclang-rt-",
        ]
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix))
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Selects the newest LLVM for which all packages exist in the same version.
#[must_use]
pub fn choose_llvm(packages: &[Package]) -> Option<LlvmPackages> {
    let majors =
        packages.iter().filter_map(|package| package.name.strip_prefix("clang-")?.parse().ok());
    let mut majors: Vec<u32> = majors.filter(|major| *major >= OLDEST_LLVM).collect();
    majors.sort_unstable();
    majors.dedup();
    majors.into_iter().rev().find_map(|major| complete(major, packages))
}

/// Returns the packages of LLVM `major` in the newest version for which all of them exist.
fn complete(major: u32, packages: &[Package]) -> Option<LlvmPackages> {
    let mut by_version: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in packages {
        by_version.entry(&package.version).or_default().push(package);
    }
    let mut versions: Vec<_> = by_version.into_iter().collect();
    versions.sort_by(|(a, _), (b, _)| compare_versions(b, a));
    versions.into_iter().find_map(|(_, of_version)| {
        let mut chosen = needed(major)
            .iter()
            .map(|names| {
                of_version.iter().find(|it| names.contains(&it.name)).map(|it| (*it).clone())
            })
            .collect::<Option<Vec<_>>>()?;
        chosen.sort_by(|a, b| a.name.cmp(&b.name));
        Some(LlvmPackages { major, packages: chosen })
    })
}

/// Selects the oldest wasi-libc that is new enough. CPython is tested with an SDK from the time of
/// its release, and its configure script does not expect the functions of a newer libc.
#[must_use]
pub fn choose_libc(packages: &[Package]) -> Option<Package> {
    packages
        .iter()
        .filter(|package| package.name == "wasi-libc")
        .filter(|package| libc_date(&package.version).is_some_and(|date| date >= OLDEST_LIBC))
        .min_by_key(|package| libc_date(&package.version))
        .cloned()
}

/// Returns the date in a version such as `0.0~git20241209.574b88d-2`: 20241209.
fn libc_date(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("git")?;
    rest.get(..8)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_recipes::Digest;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            sha256: Digest::from_bytes([0; 32]),
            size: 1,
            url: format!("http://mirror.example/{name}.deb"),
            depends: String::new(),
        }
    }

    fn llvm(major: u32, version: &str) -> Vec<Package> {
        needed(major).iter().map(|names| package(names.last().unwrap(), version)).collect()
    }

    #[test]
    fn newest_complete_llvm_is_chosen() {
        let mut all = llvm(16, "1:16.0.6-15~deb12u1");
        all.extend(llvm(19, "1:19.1.7-3"));
        all.extend(llvm(22, "1:22.1.8-1").into_iter().skip(1));
        all.push(package("clang-22", "1:22.1.7-1"));
        let chosen = choose_llvm(&all).unwrap();
        assert_eq!((chosen.major, chosen.packages.len()), (19, 7));
    }

    #[test]
    fn greater_of_two_complete_versions_is_chosen() {
        let mut all = llvm(19, "1:19.1.4-1~deb12u1");
        all.extend(llvm(19, "1:19.1.4-1"));
        let chosen = choose_llvm(&all).unwrap();
        assert!(chosen.packages.iter().all(|package| package.version == "1:19.1.4-1"));
        assert!(choose_llvm(&llvm(15, "1:15.0.7")).is_none());
    }

    #[test]
    fn oldest_sufficient_libc_is_chosen() {
        let all =
            ["0.0~git20220510.9886d3d-2", "0.0~git20260423.161b319-2", "0.0~git20241209.574b88d-2"]
                .map(|version| package("wasi-libc", version));
        assert_eq!(choose_libc(&all).unwrap().version, "0.0~git20241209.574b88d-2");
        assert!(choose_libc(&all[..1]).is_none());
    }

    #[test]
    fn candidates_are_packages_of_a_toolchain() {
        for name in ["clang-22", "libllvm19t64", "wasi-libc", "libclang-rt-22-dev-wasm32"] {
            assert!(is_candidate(name), "{name}");
        }
        for name in ["clang", "clang-format", "llvm-dev", "lldb-22"] {
            assert!(!is_candidate(name), "{name}");
        }
    }
}
