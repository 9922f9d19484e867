//! Names of packages.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The normalized name of a package: lowercase, with single hyphens.
///
/// Source: <https://packaging.python.org/en/latest/specifications/name-normalization/>.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Normalizes a name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut name = String::new();
        for part in text.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
            if !name.is_empty() {
                name.push('-');
            }
            name.push_str(&part.to_lowercase());
        }
        Self(name)
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_are_equal() {
        for text in ["markdown-it-py", "Markdown_It.py", "markdown--it__py"] {
            assert_eq!(Name::new(text).as_str(), "markdown-it-py", "{text}");
        }
    }
}
