//! Which test files run.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use pywasm_build::Installation;
use pywasm_recipes::{Exclusion, MinorVersion, exclusions};

/// What runs and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Test files, sorted by name.
    pub files: Vec<TestFile>,
    /// What is left out, with its reason.
    pub excluded: Vec<&'static Exclusion>,
}

/// A test file, and which of its cases run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFile {
    /// `test_json`.
    pub name: String,
    /// Patterns of the only cases that run; all of them when empty.
    pub only: Vec<String>,
    /// Patterns of cases that are left out.
    pub ignored: Vec<&'static str>,
}

/// A name that is no test file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CPython has no test file `{0}`")]
pub struct UnknownTest(pub String);

/// Chooses from the files below `test_dir`: those named, or all.
///
/// # Errors
/// When a name is no test file, or the directory can't be read.
pub fn select(
    test_dir: &Utf8Path,
    names: &[String],
    python: &Installation,
    include_excluded: bool,
) -> anyhow::Result<Selection> {
    let wanted = wanted(test_dir, names)?;
    let entries: Vec<&'static Exclusion> =
        if include_excluded { Vec::new() } else { holding(python)? };
    Ok(choose(wanted, &entries))
}

/// The files that are named, or all of them, with the cases that are named in them: `test_json`,
/// `test_json.test_decode`, `test.test_os.FileTests.test_access`.
fn wanted(test_dir: &Utf8Path, names: &[String]) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let all = test_files(test_dir)?;
    if names.is_empty() {
        return Ok(all.into_iter().map(|file| (file, Vec::new())).collect());
    }
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut whole = BTreeSet::new();
    for name in names {
        let name = name.strip_prefix("test.").unwrap_or(name);
        let (file, case) = name.split_once('.').unwrap_or((name, ""));
        if !all.contains(file) {
            return Err(UnknownTest(file.to_owned()).into());
        }
        let only = wanted.entry(file.to_owned()).or_default();
        if case.is_empty() {
            whole.insert(file);
        } else {
            // A case, or everything in a module or class of cases.
            only.extend([format!("test.{file}.{case}"), format!("test.{file}.{case}.*")]);
        }
    }
    for file in whole {
        wanted.insert(file.to_owned(), Vec::new());
    }
    Ok(wanted)
}

/// The exclusions that hold for this build.
fn holding(python: &Installation) -> anyhow::Result<Vec<&'static Exclusion>> {
    let series: MinorVersion = python.series().parse()?;
    let modules = python.modules();
    Ok(exclusions().iter().filter(|entry| entry.holds(series, &modules)).collect())
}

/// Pure: an exclusion is a whole file (`test_gdb`) or cases in one (`test.test_os.Forks.*`).
fn choose(wanted: BTreeMap<String, Vec<String>>, entries: &[&'static Exclusion]) -> Selection {
    let mut selection = Selection::default();
    for (file, only) in wanted {
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

/// The file that an exclusion is about.
fn file_of(test: &str) -> &str {
    test.strip_prefix("test.").map_or(test, |rest| rest.split('.').next().unwrap_or(rest))
}

/// What regrtest finds: `test_*.py`, and packages of such names.
///
/// Source of the rule: `Lib/test/libregrtest/findtests.py`.
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
    fn files_and_packages_named_test_are_found() {
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
            let error = wanted(&root, &[name.to_owned()]).unwrap_err();
            assert!(error.to_string().contains("CPython has no test file"), "{error}");
        }
        let named = ["test_json.test_decode", "test.test_os.FileTests", "test_json.test_dump"];
        let named = wanted(&root, &named.map(str::to_owned)).unwrap();
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
        let named = wanted(&root, &["test_os.A", "test_os"].map(str::to_owned)).unwrap();
        assert!(named["test_os"].is_empty(), "the whole file is more than a case in it");
    }

    #[test]
    fn a_file_is_left_out_whole_and_cases_by_pattern() {
        let entry = |test: &str| -> &'static Exclusion {
            Box::leak(Box::new(Exclusion {
                test: test.into(),
                python: vec![],
                without: None,
                reason: "why".into(),
            }))
        };
        let entries = [entry("test_gdb"), entry("test.test_os.Forks.*")];
        let wanted =
            ["test_gdb", "test_os", "test_re"].map(|file| (file.to_owned(), Vec::new())).into();
        let selection = choose(wanted, &entries);
        let files: Vec<_> = selection.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(files, ["test_os", "test_re"]);
        assert_eq!(selection.files[0].ignored, ["test.test_os.Forks.*"]);
        assert_eq!(selection.excluded.len(), 2);
    }
}
