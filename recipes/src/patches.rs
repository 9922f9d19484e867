//! Patches of CPython, in git's format.
//!
//! A patch begins with the reasons for it. It does not change CPython's tests.

use crate::MinorVersion;

/// The patch for each series.
const PATCHES: &[(MinorVersion, &str)] = &[
    (MinorVersion { major: 3, minor: 13 }, include_str!("../patches/cpython-3.13.patch")),
    (MinorVersion { major: 3, minor: 14 }, include_str!("../patches/cpython-3.14.patch")),
    (MinorVersion { major: 3, minor: 15 }, include_str!("../patches/cpython-3.15.patch")),
];

/// Returns the patch that is applied to the releases of a series, or `None` if there is none.
#[must_use]
pub fn patch(series: MinorVersion) -> Option<&'static str> {
    PATCHES.iter().find(|(known, _)| *known == series).map(|(_, patch)| *patch)
}
