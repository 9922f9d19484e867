//! CPython profiles for profile-guided optimization, recorded by `cargo xtask train`.
//!
//! The files are LLVM instrumentation profiles in the indexed format, compressed with xz. The
//! compiler matches functions by name and control flow, so the profile of one release can be used
//! for its whole series. A function that has changed is compiled without a profile.
//!
//! Profiles are tied to a clang version. Measurements showed that clang 19 cannot read a profile in
//! clang 22's format, and that clang 22 uses only the function entry counts of a profile in clang
//! 19's format. Source of the format: `docs/InstrProfileFormat.rst` in LLVM.

use crate::{Build, MinorVersion};

/// The oldest major version of clang that can use the profiles. This is the version that recorded
/// them.
pub const TRAINING_CLANG: u32 = 22;

/// The profile for each series.
const PROFILES: &[(MinorVersion, &[u8])] = &[
    (MinorVersion { major: 3, minor: 13 }, include_bytes!("../training/cpython-3.13.profdata.xz")),
    (MinorVersion { major: 3, minor: 14 }, include_bytes!("../training/cpython-3.14.profdata.xz")),
    (MinorVersion { major: 3, minor: 15 }, include_bytes!("../training/cpython-3.15.profdata.xz")),
];

impl Build {
    /// Returns the compressed profile for a series, if this build uses a profile and the series has
    /// one.
    #[must_use]
    pub fn training(&self, series: MinorVersion) -> Option<&'static [u8]> {
        let found = PROFILES.iter().find(|(known, _)| self.trained && *known == series);
        found.map(|(_, profile)| *profile)
    }
}
