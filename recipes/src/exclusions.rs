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
    /// A module: the entry holds only for builds that do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
    /// Why, as upstream or WASI says it.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exclude: Vec<Exclusion>,
}

impl Exclusion {
    /// Whether it holds for a build of this series with these modules.
    #[must_use]
    pub fn holds(&self, series: MinorVersion, modules: &[&str]) -> bool {
        (self.python.is_empty() || self.python.contains(&series))
            && self.without.as_deref().is_none_or(|module| !modules.contains(&module))
    }
}

/// Every exclusion, sorted by test.
///
/// # Panics
/// Never in a build that passed this crate's tests: the data is compiled in.
#[must_use]
pub fn exclusions() -> &'static [Exclusion] {
    static ALL: LazyLock<Vec<Exclusion>> = LazyLock::new(|| {
        let file: File = toml::from_str(include_str!("../testsuite/exclusions.toml"))
            .expect("testsuite/exclusions.toml");
        let mut all = file.exclude;
        all.sort_by(|a, b| a.test.cmp(&b.test));
        all
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exclusion_has_a_reason() {
        for entry in exclusions() {
            assert!(entry.reason.len() > 10, "{}", entry.test);
        }
    }

    #[test]
    fn an_exclusion_waits_for_a_module_that_there_is_and_stands_once() {
        for entry in exclusions() {
            let series = entry.python.first().copied().unwrap_or("3.13".parse().unwrap());
            if let Some(module) = &entry.without {
                assert!(crate::is_known_module(series, module), "{}: {module}", entry.test);
            }
            let same = exclusions().iter().filter(|other| other.test == entry.test);
            assert_eq!(same.count(), 1, "{}", entry.test);
        }
    }

    #[test]
    fn an_entry_holds_only_where_its_module_is_missing() {
        let series = "3.13".parse().unwrap();
        let entry = exclusions().iter().find(|entry| entry.test == "test_minidom").unwrap();
        assert!(entry.holds(series, &["math"]));
        assert!(!entry.holds(series, &["math", "pyexpat"]));
    }
}
