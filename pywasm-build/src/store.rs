//! Where installations lie.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{Error, Installation};

/// The bucket's name carries the version of its layout.
const INSTALLS: &str = "installs-v0";

/// The directory of all installations, by an environment that `variable` reads:
/// `PYWASM_STORE`, else `XDG_DATA_HOME`, else `~/.local/share` (on macOS, too).
///
/// # Errors
/// When none of them is set.
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

/// Every installation in `dir`, newest CPython first, then by recipe, and of a recipe what was built last:
/// an earlier one is that of an earlier tool. None when the directory is missing. One that can't be read is
/// an error, not skipped.
///
/// # Errors
/// When the directory or a manifest in it can't be read.
pub fn installations(dir: &Path) -> Result<Vec<Installation>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::Read(dir.to_owned(), error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::Read(dir.to_owned(), error))?;
        found.push(Installation::open(entry.path())?);
    }
    found.sort_by_cached_key(|python| {
        let numbers: Vec<u32> =
            python.version().split('.').filter_map(|part| part.parse().ok()).collect();
        let manifest = std::fs::metadata(python.root().join("manifest.json"));
        let built = manifest.and_then(|manifest| manifest.modified()).ok();
        let (recipe, root) = (python.recipe().to_owned(), python.root().to_owned());
        (Reverse(numbers), recipe, Reverse(built), root)
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_variable_wins_over_home() {
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
    fn of_one_recipe_that_comes_first_which_was_built_last() {
        let dir = tempfile::tempdir().unwrap();
        for (name, age) in [("a", 2), ("b", 1), ("c", 3)] {
            installed(dir.path(), name, "3.13.15", age);
        }
        let found = installations(dir.path()).unwrap();
        let names: Vec<_> = found.iter().filter_map(|it| it.root().file_name()).collect();
        assert_eq!(names, ["b", "a", "c"]);
    }

    #[test]
    fn newer_releases_come_first_and_a_missing_directory_is_empty() {
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
