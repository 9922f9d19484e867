//! What was counted in a training run: which functions, branches and calls of CPython are hot.
//!
//! Made by `cargo xtask train`, which says how; in LLVM's indexed format of instrumentation profiles, packed by
//! xz. A compiler reads those of its own and of earlier releases. It finds functions by name and shape, so
//! that data of one release serves all of its series: a function that has changed is compiled without.
//! Source of the format: LLVM, docs/InstrProfileFormat.rst.

use crate::MinorVersion;

/// The data for each series.
const DATA: &[(MinorVersion, &[u8])] = &[
    (MinorVersion { major: 3, minor: 13 }, include_bytes!("../training/cpython-3.13.profdata.xz")),
    (MinorVersion { major: 3, minor: 14 }, include_bytes!("../training/cpython-3.14.profdata.xz")),
];

/// The packed data for a series, where there is any.
#[must_use]
pub fn training(series: MinorVersion) -> Option<&'static [u8]> {
    DATA.iter().find(|(of, _)| *of == series).map(|(_, data)| *data)
}
