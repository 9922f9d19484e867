//! Selects the test files and cases to run.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use pywasm_build::Installation;
use pywasm_recipes::{Exclusion, MinorVersion, exclusions};

/// The selected test files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Test files, sorted by name.
    pub files: Vec<TestFile>,
    /// The exclusions that apply, with their reasons.
    pub excluded: Vec<&'static Exclusion>,
}

/// A test file and the selected cases in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFile {
    /// The name, such as `test_json`.
    pub name: String,
    /// Patterns for the cases to run. If empty, all cases run.
    pub only: Vec<String>,
    /// Patterns for excluded cases.
    pub ignored: Vec<&'static str>,
}

/// The error for a name that does not match any test file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CPython has no test file `{0}`")]
pub struct UnknownTest(pub String);

/// Selects the named files and cases below `test_dir`, or all files if `names` is empty.
///
/// # Errors
/// When a name does not match any test file, or the directory cannot be read.
pub fn select(
    test_dir: &Utf8Path,
    names: &[String],
    python: &Installation,
    include_excluded: bool,
) -> anyhow::Result<Selection> {
    let requested = requested(test_dir, names)?;
    let entries: Vec<&'static Exclusion> =
        if include_excluded { Vec::new() } else { applicable(python)? };
    Ok(choose(requested, &entries))
}

/// Parses names such as `test_json`, `test_json.test_decode` and
/// `test.test_os.FileTests.test_access` into files and cases.
fn requested(
    test_dir: &Utf8Path,
    names: &[String],
) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let all = test_files(test_dir)?;
    if names.is_empty() {
        return Ok(all.into_iter().map(|file| (file, Vec::new())).collect());
    }
    let mut requested: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut whole = BTreeSet::new();
    for name in names {
        let name = name.strip_prefix("test.").unwrap_or(name);
        let (file, case) = name.split_once('.').unwrap_or((name, ""));
        if !all.contains(file) {
            return Err(UnknownTest(file.to_owned()).into());
        }
        let only = requested.entry(file.to_owned()).or_default();
        if case.is_empty() {
            whole.insert(file);
        } else {
            // `case` is the name of a case, or of a module or class that contains cases.
            only.extend([format!("test.{file}.{case}"), format!("test.{file}.{case}.*")]);
        }
    }
    for file in whole {
        requested.insert(file.to_owned(), Vec::new());
    }
    Ok(requested)
}

/// Returns the exclusions that apply to this installation.
fn applicable(python: &Installation) -> anyhow::Result<Vec<&'static Exclusion>> {
    let series: MinorVersion = python.series().parse()?;
    let modules = python.modules();
    Ok(exclusions().iter().filter(|entry| entry.applies(series, &modules)).collect())
}

/// Removes excluded files (such as `test_gdb`) and cases (such as `test.test_os.Forks.*`) from the
/// requested ones.
fn choose(requested: BTreeMap<String, Vec<String>>, entries: &[&'static Exclusion]) -> Selection {
    let mut selection = Selection::default();
    for (file, only) in requested {
        let (mut whole, mut cases) = (false, Vec::new());
        for entry in entries.iter().filter(|entry| file_of(&entry.test) == file) {
            selection.excluded.push(entry);
            if entry.test == file {
                whole = true;
            } else {
                cases.push(entry.test.as_str());
            }
        }
        if !whole {
            selection.files.push(TestFile { name: file, only, ignored: cases });
        }
    }
    selection
}

/// Returns the test file that an exclusion refers to.
fn file_of(test: &str) -> &str {
    test.strip_prefix("test.").map_or(test, |rest| rest.split('.').next().unwrap_or(rest))
}

/// Finds test files as regrtest does (in `Lib/test/libregrtest/findtests.py`): modules and packages
/// whose names begin with `test_`.
fn test_files(dir: &Utf8Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in dir.read_dir_utf8()? {
        let entry = entry?;
        let name = entry.file_name();
        let stem = if entry.file_type()?.is_dir() {
            entry.path().join("__init__.py").exists().then_some(name)
        } else {
            name.strip_suffix(".py")
        };
        if let Some(stem) = stem.filter(|stem| stem.starts_with("test_")) {
            names.insert(stem.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8PathBuf;

    #[test]
    fn test_files_and_packages_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        for file in [
            "test_json/__init__.py",
            "test_os.py",
            "support/__init__.py",
            "regrtest.py",
            "test_data/x.txt",
        ] {
            fs_err::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs_err::write(root.join(file), "").unwrap();
        }
        let found: Vec<_> = test_files(&root).unwrap().into_iter().collect();
        assert_eq!(found, ["test_json", "test_os"]);
        for name in ["test_nowhere", "test_nowhere.Case", "os", ""] {
            let error = requested(&root, &[name.to_owned()]).unwrap_err();
            assert!(error.to_string().contains("CPython has no test file"), "{error}");
        }
        let named = ["test_json.test_decode", "test.test_os.FileTests", "test_json.test_dump"];
        let named = requested(&root, &named.map(str::to_owned)).unwrap();
        assert_eq!(
            named["test_json"],
            [
                "test.test_json.test_decode",
                "test.test_json.test_decode.*",
                "test.test_json.test_dump",
                "test.test_json.test_dump.*"
            ]
        );
        assert_eq!(named["test_os"], ["test.test_os.FileTests", "test.test_os.FileTests.*"]);
        let named = requested(&root, &["test_os.A", "test_os"].map(str::to_owned)).unwrap();
        assert!(named["test_os"].is_empty(), "the whole file is more than a case in it");
    }

    #[test]
    fn exclusions_apply_to_files_and_cases() {
        let entry = |test: &str| -> &'static Exclusion {
            Box::leak(Box::new(Exclusion {
                test: test.into(),
                python: vec![],
                without: None,
                reason: "why".into(),
            }))
        };
        let entries = [entry("test_gdb"), entry("test.test_os.Forks.*")];
        let requested =
            ["test_gdb", "test_os", "test_re"].map(|file| (file.to_owned(), Vec::new())).into();
        let selection = choose(requested, &entries);
        let files: Vec<_> = selection.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(files, ["test_os", "test_re"]);
        assert_eq!(selection.files[0].ignored, ["test.test_os.Forks.*"]);
        assert_eq!(selection.excluded.len(), 2);
    }
}
