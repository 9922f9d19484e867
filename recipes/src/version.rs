//! Versions of CPython.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A feature release, such as `3.13`. Each one has its own ABI, library directories and seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinorVersion {
    /// 3 in `3.13`.
    pub major: u8,
    /// 13 in `3.13`.
    pub minor: u8,
}

/// A patch release, such as `3.13.15`. Each one has its own source tarball.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatchVersion {
    /// The feature release.
    pub series: MinorVersion,
    /// 15 in `3.13.15`.
    pub patch: u8,
}

/// A request for a release: the newest pinned release in a series, or an exact release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PythonRequest {
    /// The newest pinned release in this series.
    Series(MinorVersion),
    /// Exactly this release.
    Exact(PatchVersion),
}

/// The error for a string that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a CPython version such as `3.13` or `3.13.15`")]
pub struct ParseVersionError(String);

impl PythonRequest {
    /// Returns the requested series.
    #[must_use]
    pub const fn series(&self) -> MinorVersion {
        match self {
            Self::Series(series) => *series,
            Self::Exact(version) => version.series,
        }
    }

    /// Returns true if `version` satisfies the request.
    #[must_use]
    pub fn matches(&self, version: PatchVersion) -> bool {
        match self {
            Self::Series(series) => *series == version.series,
            Self::Exact(exact) => *exact == version,
        }
    }
}

impl fmt::Display for MinorVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for PatchVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.series, self.patch)
    }
}

impl fmt::Display for PythonRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Series(series) => series.fmt(f),
            Self::Exact(version) => version.fmt(f),
        }
    }
}

impl FromStr for PythonRequest {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let error = || ParseVersionError(text.to_owned());
        let numbers = text
            .split('.')
            .map(|part| {
                let plain = part.bytes().all(|byte| byte.is_ascii_digit());
                plain.then(|| part.parse::<u8>().ok()).flatten().ok_or_else(error)
            })
            .collect::<Result<Vec<_>, _>>()?;
        match numbers[..] {
            [major @ 3, minor] => Ok(Self::Series(MinorVersion { major, minor })),
            [major @ 3, minor, patch] => {
                Ok(Self::Exact(PatchVersion { series: MinorVersion { major, minor }, patch }))
            }
            _ => Err(error()),
        }
    }
}

impl FromStr for MinorVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        match text.parse()? {
            PythonRequest::Series(series) => Ok(series),
            PythonRequest::Exact(_) => Err(ParseVersionError(text.to_owned())),
        }
    }
}

impl FromStr for PatchVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        match text.parse()? {
            PythonRequest::Exact(version) => Ok(version),
            PythonRequest::Series(_) => Err(ParseVersionError(text.to_owned())),
        }
    }
}

macro_rules! as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(MinorVersion, PatchVersion, PythonRequest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_from_str_round_trip() {
        for text in ["3.13", "3.13.15", "3.14.7"] {
            assert_eq!(text.parse::<PythonRequest>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_versions_are_refused() {
        for text in ["", "3", "2.7", "3.13.15.1", "3.x", "3.+13", "3.13rc1", "v3.13"] {
            assert!(text.parse::<PythonRequest>().is_err(), "{text}");
        }
    }

    #[test]
    fn releases_sort_numerically() {
        let older: PatchVersion = "3.13.5".parse().unwrap();
        let newer: PatchVersion = "3.13.15".parse().unwrap();
        assert!(older < newer);
    }
}
