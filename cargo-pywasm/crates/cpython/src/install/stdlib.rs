//! Writes the standard library as a directory and as a zip.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Context;
use camino::Utf8Path;
use zip::write::SimpleFileOptions;

use crate::tree;

/// Copies `Lib/` without bytecode, and without the modules and packages that the recipe excludes.
pub(super) fn copy_tree(
    lib: &Utf8Path,
    into: &Utf8Path,
    exclude: &BTreeSet<String>,
) -> anyhow::Result<()> {
    fs_err::create_dir_all(into)?;
    for name in names(lib)? {
        let stem = name.strip_suffix(".py").unwrap_or(&name);
        if exclude.contains(stem) || name == "__pycache__" {
            continue;
        }
        copy_dir(&lib.join(&name), &into.join(&name))?;
    }
    // CPython warns on stderr if this directory is missing.
    fs_err::create_dir_all(into.join("lib-dynload"))?;
    fs_err::write(into.join("lib-dynload/README.txt"), "Extension modules are built in.\n")?;
    Ok(())
}

/// Copies a file or a directory, without bytecode.
pub(crate) fn copy_dir(from: &Utf8Path, to: &Utf8Path) -> anyhow::Result<()> {
    if !from.is_dir() {
        if let Some(parent) = to.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::copy(from, to)?;
        return Ok(());
    }
    fs_err::create_dir_all(to)?;
    for name in names(from)? {
        if name != "__pycache__" {
            copy_dir(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

/// Writes the library as a zip. The files are sorted, and all have the same date. The bytecode is where
/// `zipimport` expects it (`x.pyc` next to `x.py`). `zipimport` needs the module `zlib` to read a
/// compressed zip, so the zip is uncompressed if Python does not have this module.
pub(super) fn zip_tree(dir: &Utf8Path, zip: &Utf8Path, has_zlib: bool) -> anyhow::Result<()> {
    let files = tree::with_bytecode_beside(dir)?;
    let mut writer = zip::ZipWriter::new(std::io::BufWriter::new(fs_err::File::create(zip)?));
    let method =
        if has_zlib { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .compression_level(has_zlib.then_some(9))
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    for (name, path) in &files {
        writer
            .start_file(name, options)
            .with_context(|| format!("cannot add `{name}` to the zip"))?;
        writer.write_all(&fs_err::read(path)?)?;
    }
    writer.finish().with_context(|| format!("cannot write `{zip}`"))?.flush()?;
    Ok(())
}

/// Returns the names in a directory, sorted.
fn names(dir: &Utf8Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in dir.read_dir_utf8().with_context(|| format!("cannot read `{dir}`"))? {
        names.push(entry?.file_name().to_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    fn tree() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        for (file, text) in [
            ("Lib/os.py", "os"),
            ("Lib/turtle.py", "screen"),
            ("Lib/json/__init__.py", "json"),
            ("Lib/json/__pycache__/__init__.cpython-313.pyc", "stale"),
            ("Lib/test/test_os.py", "test"),
        ] {
            let path = root.join(file);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        (dir, root)
    }

    #[test]
    fn excluded_modules_and_bytecode_are_not_copied() {
        let (_dir, root) = tree();
        let exclude = ["test", "turtle"].map(str::to_owned).into();
        copy_tree(&root.join("Lib"), &root.join("out"), &exclude).unwrap();
        assert_eq!(names(&root.join("out")).unwrap(), ["json", "lib-dynload", "os.py"]);
        assert_eq!(names(&root.join("out/json")).unwrap(), ["__init__.py"]);
    }

    #[test]
    fn zip_has_bytecode_and_is_deterministic() {
        let (_dir, root) = tree();
        for (has_zlib, method) in
            [(true, zip::CompressionMethod::Deflated), (false, zip::CompressionMethod::Stored)]
        {
            for name in ["a.zip", "b.zip"] {
                zip_tree(&root.join("Lib"), &root.join(name), has_zlib).unwrap();
            }
            let bytes = fs_err::read(root.join("a.zip")).unwrap();
            assert_eq!(bytes, fs_err::read(root.join("b.zip")).unwrap());
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            assert!(archive.by_name("json/__init__.pyc").is_ok());
            assert_eq!(archive.by_name("os.py").unwrap().compression(), method);
        }
    }
}
