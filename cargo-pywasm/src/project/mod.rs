//! A crate that embeds Python, and its link to an installation.
//!
//! What is committed with the crate is the same for everyone; what is true of this machine only
//! (where the installation lies, which Rust is used) stands in `.pywasm/`, which Git does not see.

#[cfg(feature = "runtime")]
mod artifacts;
mod built;
#[cfg(feature = "runtime")]
mod cargo;
#[cfg(feature = "runtime")]
mod cargo_config;
#[cfg(feature = "runtime")]
mod helper;
#[cfg(feature = "runtime")]
mod init;
mod linked;
#[cfg(feature = "runtime")]
mod local;
#[cfg(feature = "runtime")]
mod manifest;
#[cfg(feature = "runtime")]
mod prepare;
#[cfg(feature = "runtime")]
mod rust;
#[cfg(feature = "runtime")]
mod stdlib;
#[cfg(feature = "runtime")]
mod template;

#[cfg(feature = "runtime")]
pub use artifacts::Artifact;
pub(crate) use built::built_modules;
#[cfg(feature = "runtime")]
pub use cargo::Call;
#[cfg(feature = "runtime")]
pub use init::init;
pub use linked::{DIRECTORY, Linked};
#[cfg(feature = "runtime")]
pub(crate) use prepare::fits_the_policy;
#[cfg(feature = "runtime")]
pub use prepare::{connect, prepare};
#[cfg(feature = "runtime")]
pub(crate) use stdlib::stdlib;

#[cfg(feature = "runtime")]
pub use template::Template;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a module gets at the standard library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stdlib {
    /// As a directory that the host gives it.
    #[default]
    Dir,
    /// As one file in a directory that the host gives it.
    Zip,
    /// It has what it needs inside.
    Frozen,
}

impl FromStr for Stdlib {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "dir" => Ok(Self::Dir),
            "zip" => Ok(Self::Zip),
            "frozen" => Ok(Self::Frozen),
            other => Err(format!("`{other}` is not one of frozen, zip, dir")),
        }
    }
}
