//! Profiles of CPython for profile-guided optimization, recorded by `cargo xtask train`.
//!
//! The files are LLVM instrumentation profiles in the indexed format, compressed by xz. The
//! compiler matches functions by name and control flow, so the profile of one release serves its
//! whole series: a function that has changed is compiled without a profile.
//!
//! Profiles are tied to the version of clang: clang 19 cannot read a profile in the format of
//! clang 22, and clang 22 uses only function entry counts from one in the format of clang 19
//! (measured). Source of the format: `docs/InstrProfileFormat.rst` of LLVM.

use crate::{Build, MinorVersion};

/// The oldest major version of clang that can use the profiles. It is the version that recorded
/// them.
pub const TRAINING_CLANG: u32 = 22;

/// The profile of each series.
const PROFILES: &[(MinorVersion, &[u8])] = &[
    (MinorVersion { major: 3, minor: 13 }, include_bytes!("../training/cpython-3.13.profdata.xz")),
    (MinorVersion { major: 3, minor: 14 }, include_bytes!("../training/cpython-3.14.profdata.xz")),
];

impl Build {
    /// Returns the compressed profile for a series, if this build uses a profile and there is one.
    #[must_use]
    pub fn training(&self, series: MinorVersion) -> Option<&'static [u8]> {
        let found = PROFILES.iter().find(|(known, _)| self.trained && *known == series);
        found.map(|(_, profile)| *profile)
    }
}
