//! The packages of a program. They come from the same suite, so their versions are compatible.

use std::cmp::Ordering;

use super::index::Package;
use super::version::compare_versions;

/// The packages of the libraries that C++ programs need. These libraries are unpacked together with
/// the program and can be newer than the machine's own.
pub(super) const RUNTIME: [&str; 3] = ["libc6", "libgcc-s1", "libstdc++6"];

/// The packages that contain a program and everything that the program needs, all from one suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuitePackages {
    /// The version of the program in the distribution.
    pub version: String,
    /// The packages, sorted by name.
    pub packages: Vec<Package>,
}

impl SuitePackages {
    pub(super) fn new(version: &str, packages: Vec<&Package>) -> Self {
        let mut packages: Vec<Package> = packages.into_iter().cloned().collect();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Self { version: version.to_owned(), packages }
    }

    /// Returns the upstream version: 1.97.1 for `1.97.1+dfsg1-1`.
    #[must_use]
    pub fn upstream(&self) -> &str {
        self.version.split(['+', '-', '~']).next().unwrap_or_default()
    }
}

impl PartialOrd for SuitePackages {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SuitePackages {
    /// Compares the versions.
    fn cmp(&self, other: &Self) -> Ordering {
        compare_versions(&self.version, &other.version)
    }
}

/// Returns the newest package of this name.
pub(super) fn newest<'a>(suite: &'a [Package], name: &str) -> Option<&'a Package> {
    let of_name = suite.iter().filter(|package| package.name == name);
    of_name.max_by(|a, b| compare_versions(&a.version, &b.version))
}

/// Returns true if a package has this version or a later one.
pub(super) fn is_since(package: &Package, oldest: &str) -> bool {
    compare_versions(&package.version, oldest) != Ordering::Less
}
