//! Which toolchain is asked for.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;

/// Which toolchain is asked for. Texts round-trip; what is no road's name is a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolchainRequest {
    /// The first road that works.
    #[default]
    Auto,
    /// The pinned official WASI SDK and nothing else.
    Official,
    /// The machine's own package archives and nothing else.
    Packages,
    /// This directory and nothing else.
    Path(Utf8PathBuf),
}

impl ToolchainRequest {
    /// Whether what a toolchain of this road at this place built answers the request.
    #[must_use]
    pub fn accepts(&self, road: &str, root: &str) -> bool {
        match self {
            Self::Auto => true,
            Self::Official => road == "official",
            Self::Packages => road == "packages",
            Self::Path(path) => root == path,
        }
    }
}

impl fmt::Display for ToolchainRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Official => "official",
            Self::Packages => "packages",
            Self::Path(path) => path.as_str(),
        })
    }
}

impl FromStr for ToolchainRequest {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "official" => Self::Official,
            "packages" => Self::Packages,
            path => Self::Path(path.into()),
        })
    }
}
