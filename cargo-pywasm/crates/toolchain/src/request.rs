//! Which toolchain is asked for.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;

use pywasm_session::Environment;

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
    /// The request, or the SDK of `WASI_SDK_PATH` where no road was named.
    #[must_use]
    pub fn or_environment(self, env: &Environment) -> Self {
        match (self, env.path("WASI_SDK_PATH")) {
            (Self::Auto, Some(path)) => Self::Path(path),
            (named, _) => named,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_sdk_where_no_road_was_named() {
        let env = Environment::of(&[("WASI_SDK_PATH", "/opt/sdk")]);
        let path = ToolchainRequest::Path("/opt/sdk".into());
        assert_eq!(ToolchainRequest::Auto.or_environment(&env), path);
        assert_eq!(ToolchainRequest::Packages.or_environment(&env), ToolchainRequest::Packages);
        let unset = Environment::default();
        assert_eq!(ToolchainRequest::Auto.or_environment(&unset), ToolchainRequest::Auto);
    }

    #[test]
    fn texts_round_trip() {
        for text in ["auto", "official", "packages", "/opt/sdk"] {
            assert_eq!(text.parse::<ToolchainRequest>().unwrap().to_string(), text);
        }
    }
}
