//! The store, which contains the installations.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Error, Installation};

/// The name of the store's directory for installations, including the layout version.
const INSTALLS: &str = "installs-v0";

/// Returns the directory that contains all installations, given the environment that `variable`
/// reads. It is below `PYWASM_STORE`, or else below `XDG_DATA_HOME`, or else below
/// `~/.local/share`, even on macOS.
///
/// # Errors
/// When `PYWASM_STORE`, `XDG_DATA_HOME` and `HOME` are all unset.
pub fn installs_dir(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, Error> {
    let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(store) = path("PYWASM_STORE") {
        return Ok(store.join("data").join(INSTALLS));
    }
    path("XDG_DATA_HOME")
        .filter(|dir| dir.is_absolute())
        .or_else(|| path("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("pywasm").join(INSTALLS))
        .ok_or(Error::NoHome)
}

/// Returns every installation in `dir`, sorted by CPython version (newest first), then by recipe,
/// then by build time (latest first). Returns an empty list if the directory does not exist.
///
/// # Errors
/// When the directory or any manifest in it cannot be read.
pub fn installations(dir: &Path) -> Result<Vec<Installation>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::Read(dir.to_owned(), error)),
    };
    let mut found: Vec<(Order, Installation)> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::Read(dir.to_owned(), error))?;
        let python = Installation::open(entry.path())?;
        let order = Order::of(&python);
        let at = found.partition_point(|(other, _)| *other < order);
        found.insert(at, (order, python));
    }
    Ok(found.into_iter().map(|(_, python)| python).collect())
}

/// The key that installations are sorted by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    version: Reverse<Vec<u32>>,
    recipe: String,
    built: Reverse<Option<SystemTime>>,
    root: PathBuf,
}

impl Order {
    fn of(python: &Installation) -> Self {
        let numbers = python.version().split('.').filter_map(|part| part.parse().ok()).collect();
        let manifest = std::fs::metadata(python.root().join("manifest.json"));
        Self {
            version: Reverse(numbers),
            recipe: python.recipe().to_owned(),
            built: Reverse(manifest.and_then(|manifest| manifest.modified()).ok()),
            root: python.root().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_variable_overrides_home() {
        let both = |name: &str| match name {
            "PYWASM_STORE" => Some("/s".into()),
            "HOME" => Some("/h".into()),
            _ => None,
        };
        assert_eq!(installs_dir(&both).unwrap(), Path::new("/s/data/installs-v0"));
        let home = |name: &str| (name == "HOME").then(|| "/h".into());
        let expected = Path::new("/h/.local/share/pywasm/installs-v0");
        assert_eq!(installs_dir(&home).unwrap(), expected);
        assert!(matches!(installs_dir(&|_| None), Err(Error::NoHome)));
    }

    fn installed(dir: &Path, name: &str, version: &str, age: u64) {
        let root = dir.join(name);
        std::fs::create_dir(&root).unwrap();
        let manifest = format!(
            r#"{{"version": 2, "python": {{"version": "{version}", "series": "3.13"}},
                "recipe": {{"name": "full"}}, "toolchain": {{"root": "/sdk"}}}}"#
        );
        std::fs::write(root.join("manifest.json"), manifest).unwrap();
        let file = std::fs::File::options().append(true).open(root.join("manifest.json"));
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(9999 - age);
        file.unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn latest_build_of_a_recipe_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for (name, age) in [("a", 2), ("b", 1), ("c", 3)] {
            installed(dir.path(), name, "3.13.15", age);
        }
        let found = installations(dir.path()).unwrap();
        let names: Vec<_> = found.iter().filter_map(|it| it.root().file_name()).collect();
        assert_eq!(names, ["b", "a", "c"]);
    }

    #[test]
    fn newest_release_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["3.13.5", "3.13.15", "3.14.7"] {
            installed(dir.path(), version, version, 0);
        }
        let found = installations(dir.path()).unwrap();
        let versions: Vec<_> = found.iter().map(Installation::version).collect();
        assert_eq!(versions, ["3.14.7", "3.13.15", "3.13.5"]);
        assert!(installations(&dir.path().join("none")).unwrap().is_empty());
    }
}
