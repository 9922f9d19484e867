//! Tests in CPython's test suite that cannot pass on WASI, each with the reason.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::MinorVersion;

/// A test that is not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// A test file (`test_ssl`), or a pattern for test cases as accepted by `python -m test -i`
    /// (`test.test_os.ForkTests.*`).
    pub test: String,
    /// The CPython series that the exclusion applies to. If empty, it applies to all series.
    #[serde(default)]
    pub python: Vec<MinorVersion>,
    /// A Python module. If set, the exclusion applies only to builds without this module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
    /// The reason for the exclusion, stated in terms of upstream CPython or WASI.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exclude: Vec<Exclusion>,
}

impl Exclusion {
    /// Returns true if the exclusion applies to a build of this series with these modules.
    #[must_use]
    pub fn applies(&self, series: MinorVersion, modules: &[&str]) -> bool {
        (self.python.is_empty() || self.python.contains(&series))
            && self.without.as_deref().is_none_or(|module| !modules.contains(&module))
    }
}

/// Returns all exclusions, sorted by test.
///
/// # Panics
/// Never, because the data is compiled in and tests parse it.
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
    fn exclusions_are_unique_and_name_known_modules() {
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
    fn exclusion_applies_without_its_module_only() {
        let series = "3.13".parse().unwrap();
        let entry = exclusions().iter().find(|entry| entry.test == "test_minidom").unwrap();
        assert!(entry.applies(series, &["math"]));
        assert!(!entry.applies(series, &["math", "pyexpat"]));
    }
}
