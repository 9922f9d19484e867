//! Selects the packages of Binaryen's `wasm-opt` from a suite. Accesses neither the network nor the
//! disk.

use super::index::Package;
use super::suite::{RUNTIME, SuitePackages, is_since, newest};

/// The package that contains `wasm-opt` and its shared library.
const BINARYEN: &str = "binaryen";
/// The oldest Binaryen whose `wasm-opt` supports the flags that this tool uses.
const OLDEST: &str = "108";

/// Returns true if a package of this name may be selected.
#[must_use]
pub(crate) fn is_part_of_binaryen(name: &str) -> bool {
    name == BINARYEN || RUNTIME.contains(&name)
}

/// Returns the packages of a suite that contain Binaryen, or `None` if one is missing or Binaryen
/// is older than `OLDEST`.
#[must_use]
pub fn choose_binaryen(suite: &[Package]) -> Option<SuitePackages> {
    let optimizer = newest(suite, BINARYEN).filter(|package| is_since(package, OLDEST))?;
    let mut packages = vec![optimizer];
    for name in RUNTIME {
        packages.push(newest(suite, name)?);
    }
    Some(SuitePackages::new(&optimizer.version, packages))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_recipes::Digest;

    fn suite(packages: &[(&str, &str)]) -> Vec<Package> {
        let package = |(name, version): &(&str, &str)| Package {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            sha256: Digest::from_bytes([0; 32]),
            size: 1,
            url: format!("http://mirror.example/{name}.deb"),
            depends: String::new(),
        };
        packages.iter().map(package).collect()
    }

    fn complete(binaryen: &str) -> Vec<Package> {
        suite(&[
            (BINARYEN, binaryen),
            ("libc6", "2.41-12"),
            ("libc6", "2.42-1"),
            ("libgcc-s1", "14.2.0-19"),
            ("libstdc++6", "14.2.0-19"),
            ("wasi-libc", "0.0~git20241209.574b88d-2"),
        ])
    }

    #[test]
    fn program_comes_with_the_c_library_of_its_suite() {
        let chosen = choose_binaryen(&complete("131-2")).unwrap();
        assert_eq!((chosen.version.as_str(), chosen.upstream()), ("131-2", "131"));
        let names: Vec<&str> = chosen.packages.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, [BINARYEN, "libc6", "libgcc-s1", "libstdc++6"]);
        assert_eq!(chosen.packages[1].version, "2.42-1");
        assert!(names.iter().all(|name| is_part_of_binaryen(name)));
    }

    #[test]
    fn newest_of_several_suites_is_the_greatest() {
        let suites = ["99-1", "108-1", "131-2", "120-4"].map(complete);
        let newest = suites.iter().filter_map(|suite| choose_binaryen(suite)).max().unwrap();
        assert_eq!(newest.version, "131-2");
    }

    #[test]
    fn old_or_incomplete_suite_is_not_chosen() {
        assert_eq!(choose_binaryen(&complete("99-1")), None);
        for name in RUNTIME {
            let mut suite = complete("131-2");
            suite.retain(|package| package.name != name);
            assert_eq!(choose_binaryen(&suite), None, "without {name}");
        }
    }
}
