//! Which packages make a toolchain: pure, from what the indexes list.
//!
//! No version is named here that will be gone next month: the newest LLVM that is whole, and
//! the wasi-libc that is nearest after the one CPython is tested with.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::index::Package;

/// wasm32-wasip1, and `--target` in configuration files, came with LLVM 16.
const OLDEST_LLVM: u32 = 16;
/// WASI SDK 24, the oldest that CPython 3.13 and 3.14 are built with, is of July 2024.
const OLDEST_LIBC: u32 = 20_240_601;

/// The packages of one LLVM, all of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlvmPackages {
    /// Its major version.
    pub major: u32,
    /// The packages, sorted by name.
    pub packages: Vec<Package>,
}

/// The names a toolchain of LLVM `major` is made of; one of each line. Libraries got the
/// suffix in the move to 64-bit time.
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

/// Whether an index's package may be part of a toolchain.
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
        .filter_map(|start| name.strip_prefix(start))
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The newest LLVM of which everything is there at one version.
#[must_use]
pub fn choose_llvm(packages: &[Package]) -> Option<LlvmPackages> {
    let majors =
        packages.iter().filter_map(|package| package.name.strip_prefix("clang-")?.parse().ok());
    let mut majors: Vec<u32> = majors.filter(|major| *major >= OLDEST_LLVM).collect();
    majors.sort_unstable();
    majors.dedup();
    majors.into_iter().rev().find_map(|major| whole(major, packages))
}

fn whole(major: u32, packages: &[Package]) -> Option<LlvmPackages> {
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

/// The oldest wasi-libc that is new enough: CPython is tested with the SDK of its time, and
/// newer libcs bring what configure does not expect.
#[must_use]
pub fn choose_libc(packages: &[Package]) -> Option<Package> {
    packages
        .iter()
        .filter(|package| package.name == "wasi-libc")
        .filter(|package| libc_date(&package.version).is_some_and(|date| date >= OLDEST_LIBC))
        .min_by_key(|package| libc_date(&package.version))
        .cloned()
}

/// 20241209 in `0.0~git20241209.574b88d-2`.
fn libc_date(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("git")?;
    rest.get(..8)?.parse().ok()
}

/// Debian's order of versions.
///
/// Source of the rule: Debian Policy 5.6.12: runs of non-digits by letters before all else and
/// `~` before the end; runs of digits by number.
pub(super) fn compare_versions(a: &str, b: &str) -> Ordering {
    let epoch = |text: &str| -> (u64, String) {
        match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest.to_owned()),
            None => (0, text.to_owned()),
        }
    };
    let ((epoch_a, a), (epoch_b, b)) = (epoch(a), epoch(b));
    epoch_a.cmp(&epoch_b).then_with(|| {
        let (mut a, mut b) = (a.as_str(), b.as_str());
        while !a.is_empty() || !b.is_empty() {
            let (text_a, text_b) = (run(&mut a, false), run(&mut b, false));
            let weight = |text: &str| -> Vec<i32> {
                let weigh = |c: char| match c {
                    '~' => -1,
                    c if c.is_ascii_alphabetic() => c as i32,
                    c => c as i32 + 256,
                };
                text.chars().map(weigh).chain([0]).collect()
            };
            let order = weight(text_a).cmp(&weight(text_b)).then_with(|| {
                let number = |text: &str| text.parse::<u64>().unwrap_or(0);
                number(run(&mut a, true)).cmp(&number(run(&mut b, true)))
            });
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    })
}

/// Takes the leading run of digits, or of anything else, off the text.
fn run<'a>(text: &mut &'a str, digits: bool) -> &'a str {
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    *text = tail;
    head
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
    fn the_newest_llvm_that_is_whole_is_taken() {
        let mut all = llvm(16, "1:16.0.6-15~deb12u1");
        all.extend(llvm(19, "1:19.1.7-3"));
        all.extend(llvm(22, "1:22.1.8-1").into_iter().skip(1));
        all.push(package("clang-22", "1:22.1.7-1"));
        let chosen = choose_llvm(&all).unwrap();
        assert_eq!((chosen.major, chosen.packages.len()), (19, 7));
    }

    #[test]
    fn of_two_whole_versions_the_greater_is_taken() {
        let mut all = llvm(19, "1:19.1.4-1~deb12u1");
        all.extend(llvm(19, "1:19.1.4-1"));
        let chosen = choose_llvm(&all).unwrap();
        assert!(chosen.packages.iter().all(|package| package.version == "1:19.1.4-1"));
        assert!(choose_llvm(&llvm(15, "1:15.0.7")).is_none());
    }

    #[test]
    fn the_oldest_libc_that_is_new_enough_is_taken() {
        let all =
            ["0.0~git20220510.9886d3d-2", "0.0~git20260423.161b319-2", "0.0~git20241209.574b88d-2"]
                .map(|version| package("wasi-libc", version));
        assert_eq!(choose_libc(&all).unwrap().version, "0.0~git20241209.574b88d-2");
        assert!(choose_libc(&all[..1]).is_none());
    }

    #[test]
    fn versions_are_ordered_as_policy_says() {
        for (less, greater) in [
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0+b1"),
            ("1.9", "1.10"),
            ("2.0", "1:1.0"),
            ("1:22.1.8-1~deb12u1", "1:22.1.8-1"),
        ] {
            assert_eq!(compare_versions(less, greater), Ordering::Less, "{less} {greater}");
        }
    }

    #[test]
    fn candidates_are_what_a_toolchain_is_made_of() {
        for name in ["clang-22", "libllvm19t64", "wasi-libc", "libclang-rt-22-dev-wasm32"] {
            assert!(is_candidate(name), "{name}");
        }
        for name in ["clang", "clang-format", "llvm-dev", "lldb-22"] {
            assert!(!is_candidate(name), "{name}");
        }
    }
}
