//! The name of a module of Python that a snapshot has imported.

use std::borrow::Borrow;
use std::str::FromStr;

use serde::Deserialize;

/// A dotted name of a module that is imported.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Import(String);

impl FromStr for Import {
    type Err = String;

    /// A comma would make two of it, for they are handed on with commas between, and a NUL would end them.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |part: &str| !part.is_empty() && !part.contains([',', ' ', '\0']);
        if text.split('.').all(is_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{}` is no name of a module", text.escape_debug()))
        }
    }
}

impl TryFrom<String> for Import {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Names are joined and shown as texts are.
impl Borrow<str> for Import {
    fn borrow(&self) -> &str {
        &self.0
    }
}
