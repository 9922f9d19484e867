//! What was counted in a training run: which functions, branches and calls of CPython are hot.
//!
//! Made by `cargo xtask train`, which says how; in LLVM's indexed format of instrumentation profiles, packed by
//! xz. Compilers find functions by name and shape, so that data of one release serves all of its series: a function
//! that has changed is compiled without.
//!
//! The format has a version, and means of it what the front end that counted means: clang 22 takes nothing but
//! entries of functions from data in the form of clang 19, whoever counted, and clang 19 can't read that of 22.
//! Source of the format: LLVM, docs/InstrProfileFormat.rst; what clang 22 makes of version 12 is measured.

use crate::{Build, MinorVersion};

/// The major version of the clang that counted, the first that can use the data.
pub const TRAINING_CLANG: u32 = 22;

/// The data for each series.
const DATA: &[(MinorVersion, &[u8])] = &[
    (MinorVersion { major: 3, minor: 13 }, include_bytes!("../training/cpython-3.13.profdata.xz")),
    (MinorVersion { major: 3, minor: 14 }, include_bytes!("../training/cpython-3.14.profdata.xz")),
];

impl Build {
    /// The packed data for a series, where it is asked for and there is any.
    #[must_use]
    pub fn training(&self, series: MinorVersion) -> Option<&'static [u8]> {
        let found = DATA.iter().find(|(of, _)| self.trained && *of == series);
        found.map(|(_, data)| *data)
    }
}
