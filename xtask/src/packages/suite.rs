//! The test suites of packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use glob::Pattern;
use pywasm_recipes::uv_pin;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use xshell::cmd;

use super::{REQUIREMENTS, dir};
use crate::tool::Tool;

/// The version of pytest that runs the suites.
const PYTEST: &str = "pytest==9.2.0";

/// A test suite in `suites.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Suite {
    pub(super) package: String,
    sha256: Option<String>,
    requires: Vec<String>,
    pytest: Vec<String>,
    #[serde(default)]
    pub(super) left_out: Vec<LeftOut>,
    #[serde(default)]
    pub(super) fails: Vec<Fails>,
}

/// Arguments that leave tests out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeftOut {
    arguments: Vec<String>,
    pub(super) reason: String,
}

/// Tests that fail, by their names or by their errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fails {
    #[serde(deserialize_with = "pattern", default)]
    tests: Option<Pattern>,
    #[serde(deserialize_with = "pattern", default)]
    error: Option<Pattern>,
    reason: String,
}

impl Fails {
    /// Returns true if the patterns match a failed test.
    fn explains(&self, test: &str, error: &str) -> bool {
        let matches =
            |pattern: &Option<Pattern>, text| pattern.as_ref().is_none_or(|it| it.matches(text));
        matches(&self.tests, test) && matches(&self.error, error)
    }
}

/// The file `suites.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The limits of WASI, which apply to all suites.
    limit: Vec<Fails>,
    suite: Vec<Suite>,
}

/// The result that `run_suite.py` writes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    ended: bool,
    pub(super) passed: usize,
    pub(super) skipped: usize,
    /// The failed tests with the first lines of their errors.
    pub(super) failed: BTreeMap<String, String>,
}

/// Writes a lock with the source distributions of all packages.
pub(super) fn lock(tool: &Tool<'_>, scratch: &Path) -> anyhow::Result<PathBuf> {
    let version = &uv_pin().version;
    let entries = std::fs::read_dir(tool.store().join("cache/toolchains-v0"))?;
    let entries = entries.filter_map(Result::ok).map(|entry| entry.path());
    let program = |dir: PathBuf| dir.join(format!("uv-{version}.data/scripts/uv"));
    let uv = entries.map(program).find(|path| path.is_file());
    let uv = uv.with_context(|| format!("the store contains no uv {version}"))?;
    let (lock, requirements) = (scratch.join("pylock.toml"), dir().join(REQUIREMENTS));
    // Every package also has a wheel, from which uv reads the metadata.
    let options = ["--no-deps", "--universal", "--python-version", "3.13", "--no-python-downloads"];
    let format = ["--quiet", "--format", "pylock.toml", "--output-file"];
    let shell = tool.shell();
    cmd!(shell, "{uv} pip compile {requirements} {options...} {format...} {lock}").run()?;
    Ok(lock)
}

impl Suite {
    /// Reads all suites.
    pub(super) fn all() -> anyhow::Result<Vec<Self>> {
        let text = std::fs::read_to_string(dir().join("suites.toml"))?;
        let File { limit, mut suite } = toml::from_str(&text).context("suites.toml")?;
        suite.iter_mut().for_each(|suite| suite.fails.extend(limit.iter().cloned()));
        Ok(suite)
    }

    /// Runs the suite.
    pub(super) fn run(
        &self,
        tool: &Tool<'_>,
        versions: &[(String, String)],
        lock: &Path,
        scratch: &Path,
    ) -> anyhow::Result<Outcome> {
        let name = &self.package;
        let version = versions.iter().find(|(known, _)| known == name);
        let (_, version) = version.with_context(|| format!("{name} has no version"))?;
        let work = scratch.join(format!("suite-{name}"));
        for inner in ["dev", "tmp", "out", "source/none"] {
            std::fs::create_dir_all(work.join(inner))?;
        }
        // pytest opens this file.
        std::fs::write(work.join("dev/null"), "")?;
        let source = match &self.sha256 {
            Some(sha256) => self.fetch(tool, lock, sha256, &work.join("source"))?,
            None => work.join("source/none"),
        };
        let mut arguments = vec!["run".to_owned(), "--no-cwd".to_owned()];
        let mut add = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
        add("--python", "3.13".to_owned());
        add("--recipe", "full".to_owned());
        add("--with", format!("{name}=={version}"));
        let pytest = Some(PYTEST.to_owned());
        let pytest = pytest.filter(|_| !self.requires.iter().any(|it| it.starts_with("pytest<")));
        for requirement in self.requires.iter().cloned().chain(pytest) {
            add("--with", requirement);
        }
        for (host, guest) in [("dev", "/dev"), ("tmp", "/tmp"), ("out", "/out")] {
            add("--dir", format!("{}::{guest}", work.join(host).display()));
        }
        add("--dir", format!("{}::/src", source.display()));
        add("--env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1".to_owned());
        add("--env", "PYTHONDONTWRITEBYTECODE=1".to_owned());
        arguments.push(dir().join("run_suite.py").display().to_string());
        arguments.extend(self.pytest.iter().cloned());
        arguments.extend(self.left_out.iter().flat_map(|it| it.arguments.clone()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        tool.call_in(&work, &arguments)?;
        let outcome: Outcome =
            serde_json::from_slice(&std::fs::read(work.join("out/result.json"))?)?;
        anyhow::ensure!(outcome.ended && outcome.passed > 0, "the tests of {name} did not run");
        Ok(outcome)
    }

    /// Downloads and unpacks the source distribution, and returns its directory.
    fn fetch(
        &self,
        tool: &Tool<'_>,
        lock: &Path,
        sha256: &str,
        into: &Path,
    ) -> anyhow::Result<PathBuf> {
        let (shell, script, name) = (tool.shell(), dir().join("fetch_sdist.py"), &self.package);
        cmd!(shell, "python3 {script} {name} {lock} {sha256} {into}").run()?;
        let mut entries = std::fs::read_dir(into)?.filter_map(Result::ok).map(|it| it.path());
        let root = entries.find(|path| path.file_name() != Some("none".as_ref()));
        root.with_context(|| format!("the source distribution of {name} is empty"))
    }

    /// Returns why a test fails, if that is known.
    fn reason(&self, test: &str, error: &str) -> Option<&str> {
        self.fails.iter().find(|it| it.explains(test, error)).map(|it| it.reason.as_str())
    }

    /// Returns the failures that have no reason, with their errors.
    pub(super) fn unexplained(&self, outcome: &Outcome) -> Vec<String> {
        let unknown =
            outcome.failed.iter().filter(|(test, error)| self.reason(test, error).is_none());
        unknown.map(|(test, error)| format!("{}: {test}: {error}", self.package)).collect()
    }

    /// Returns the reasons of the failures, each with the number of tests.
    pub(super) fn reasons(&self, outcome: &Outcome) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for reason in outcome.failed.iter().filter_map(|(test, error)| self.reason(test, error)) {
            *reasons.entry(reason).or_default() += 1;
        }
        reasons
    }
}

/// Parses a pattern.
fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pattern>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = Pattern::new(&text);
    parsed.map(Some).map_err(|error| D::Error::custom(format!("`{text}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("*::A::*", "tests/x.py::A::test_b", true),
            ("*::A::*", "tests/x.py::B::test_b", false),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("abc", "abc", true),
        ] {
            for key in ["tests", "error"] {
                let fails = format!("{key} = {pattern:?}\nreason = \"\"");
                let fails: Fails = toml::from_str(&fails).expect("a pattern");
                assert_eq!(fails.explains(name, name), expected, "{pattern} {name}");
            }
        }
    }
}
