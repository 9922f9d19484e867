//! Checks of the source code and the packages. Each check is a step of `cargo xtask quick`, `ci` or
//! `nightly`.

pub(crate) mod deny;
pub(crate) mod format;
pub(crate) mod fuzz;
pub(crate) mod guide;
pub(crate) mod lints;
pub(crate) mod locks;
pub(crate) mod msrv;
pub(crate) mod packages;
pub(crate) mod pocket_ic;
pub(crate) mod rustdoc;
pub(crate) mod tests;
pub(crate) mod tools;
pub(crate) mod unused;
