//! Patterns for files of Python packages that are left out.

use std::fmt;
use std::str::FromStr;

use glob::Pattern;
use serde::Deserialize;

/// A pattern for paths in `/pywasm`. `*` also matches `/`. With a `!` in front, the files are not left
/// out, although an earlier pattern matches them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Exclude {
    pattern: Pattern,
    keeps: bool,
}

impl Exclude {
    /// Returns true if the pattern matches a path, whether it leaves the file out or not.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.pattern.matches(path)
    }
}

impl fmt::Display for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.keeps { "!" } else { "" }, self.pattern)
    }
}

impl FromStr for Exclude {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keeps = text.starts_with('!');
        let pattern = Pattern::new(text.strip_prefix('!').unwrap_or(text));
        let pattern = pattern.map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Self { pattern, keeps })
    }
}

impl TryFrom<String> for Exclude {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Returns true if the patterns leave out a path: the last pattern that matches decides.
#[must_use]
pub fn is_excluded(patterns: &[Exclude], path: &str) -> bool {
    patterns.iter().rev().find(|it| it.matches(path)).is_some_and(|it| !it.keeps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_pattern_that_matches_decides() {
        let patterns = ["data/*", "!data/d?.dat", "data/dx.dat", "*.txt"];
        let patterns = patterns.map(|text| text.parse::<Exclude>().unwrap());
        for (path, expected) in [
            ("data/en.dat", true),
            ("data/more/en.dat", true),
            ("data/de.dat", false),
            ("data/dx.dat", true),
            ("app.py", false),
            ("app.txt", true),
        ] {
            assert_eq!(is_excluded(&patterns, path), expected, "{path}");
        }
        assert_eq!(patterns[1].to_string(), "!data/d?.dat");
        assert!("a[".parse::<Exclude>().unwrap_err().starts_with("`a[`: "));
    }
}
