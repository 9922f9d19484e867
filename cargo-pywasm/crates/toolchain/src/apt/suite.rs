//! Packages of one suite, which is built together: their versions fit.

use std::cmp::Ordering;

use super::index::Package;
use super::select::compare_versions;

/// What programs in C++ run with: they bring it along, so it need not be the machine's.
pub(super) const RUNTIME: [&str; 3] = ["libc6", "libgcc-s1", "libstdc++6"];

/// The packages of one program with all it runs with, all of one suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuitePackages {
    /// The program's version, as the distribution writes it.
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

    /// The version that upstream gave it: 1.97.1 of `1.97.1+dfsg1-1`.
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
    /// By version.
    fn cmp(&self, other: &Self) -> Ordering {
        compare_versions(&self.version, &other.version)
    }
}

/// The newest package of this name.
pub(super) fn newest<'a>(suite: &'a [Package], name: &str) -> Option<&'a Package> {
    let of_name = suite.iter().filter(|package| package.name == name);
    of_name.max_by(|a, b| compare_versions(&a.version, &b.version))
}

/// Whether a package is of this version or later.
pub(super) fn is_since(package: &Package, oldest: &str) -> bool {
    compare_versions(&package.version, oldest) != Ordering::Less
}
