//! Names of Python modules to import.

use std::borrow::Borrow;
use std::str::FromStr;

use serde::Deserialize;

/// The dotted name of a Python module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Import(String);

impl FromStr for Import {
    type Err = String;

    /// Parses a name, which must not contain commas or NUL, because lists of names are
    /// comma-separated and NUL-terminated.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |part: &str| !part.is_empty() && !part.contains([',', ' ', '\0']);
        if text.split('.').all(is_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{}` is not a Python module name", text.escape_debug()))
        }
    }
}

impl TryFrom<String> for Import {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// `[Import]::join` needs this implementation.
impl Borrow<str> for Import {
    fn borrow(&self) -> &str {
        &self.0
    }
}
