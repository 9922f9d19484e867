//! Tests of CPython's own suite that can't pass on WASI, each with its reason.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::MinorVersion;

/// One exclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// A test file (`test_ssl`) or a case in it, as `python -m test -i` matches
    /// (`test.test_os.ForkTests.*`).
    pub test: String,
    /// The series it holds for; all of them when empty.
    #[serde(default)]
    pub python: Vec<MinorVersion>,
    /// Why, as upstream or WASI says it.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exclude: Vec<Exclusion>,
}

/// What is excluded for a series, sorted by test.
///
/// # Panics
/// Never in a build that passed this crate's tests: the data is compiled in.
pub fn exclusions(series: MinorVersion) -> impl Iterator<Item = &'static Exclusion> {
    static ALL: LazyLock<Vec<Exclusion>> = LazyLock::new(|| {
        let file: File = toml::from_str(include_str!("../testsuite/exclusions.toml"))
            .expect("testsuite/exclusions.toml");
        let mut all = file.exclude;
        all.sort_by(|a, b| a.test.cmp(&b.test));
        all
    });
    ALL.iter().filter(move |entry| entry.python.is_empty() || entry.python.contains(&series))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exclusion_has_a_reason() {
        for entry in exclusions("3.13".parse().unwrap()) {
            assert!(entry.reason.len() > 10, "{}", entry.test);
        }
    }
}
