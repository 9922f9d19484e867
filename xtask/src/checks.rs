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
pub(crate) mod separate;
pub(crate) mod tests;
pub(crate) mod tools;
pub(crate) mod unused;

/// A Cargo profile. All checks of a task use the same profile, so that Cargo compiles procedural
/// macros and build scripts only once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    /// Compiles fastest.
    Dev,
    /// Optimizes the code that takes longest when the tool works on large wasm modules.
    EndToEnd,
}

impl Profile {
    /// Returns the name of the profile in the workspace's `Cargo.toml`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::EndToEnd => "e2e",
        }
    }
}
