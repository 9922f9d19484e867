//! The packages as directories in the guest that compiles them.

use std::collections::BTreeMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::{PACKAGES, Package, Wheel};
use crate::tree;
use pywasm_recipes::{Exclude, is_excluded};
use pywasm_runtime::Dir;
use pywasm_session::WithHint;

/// A package with its path in the guest.
#[derive(Serialize)]
pub(super) struct Mounted {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) shown: String,
    /// Its path in the embedded directory.
    pub(super) file: Utf8PathBuf,
    /// The name of the installed package that it is part of.
    pub(super) wheel: Option<String>,
    /// Its files: each path in the embedded directory, and its path on this machine.
    #[serde(skip)]
    pub(super) files: Vec<(Utf8PathBuf, Utf8PathBuf)>,
    #[serde(skip)]
    pub(super) dir: Dir,
}

/// Mounts a package as a directory in the guest. If the package is a single file, mounts its parent
/// directory. Writes into the directory `scratch`.
pub(super) fn mounted(at: usize, package: &Package, scratch: &Utf8Path) -> anyhow::Result<Mounted> {
    let Package { path, shown } = package;
    let is_dir = path.is_dir();
    anyhow::ensure!(is_dir || path.is_file(), "package `{shown}` does not exist (`{path}`)");
    let (file, name) = (path.file_name().unwrap_or_default(), path.file_stem().unwrap_or_default());
    let name = if is_dir { file } else { name };
    let python = is_dir || path.extension() == Some("py");
    let is_metadata = is_dir && path.extension() == Some("dist-info");
    if !python || !(is_identifier(name) || is_metadata) {
        return Err(anyhow::anyhow!("Python cannot import `{shown}` as a package")).hint(|| {
            "specify a directory, such as `python/app`, or a file, such as `python/app.py`; name \
             packages of the Python Package Index in `requirements`"
                .to_owned()
        });
    }
    let guest = format!("/packages/{at}");
    let (mut host, inside) = match path.parent() {
        Some(parent) if !is_dir => (parent.to_owned(), format!("{guest}/{file}")),
        _ => (path.clone(), guest.clone()),
    };
    let all = if is_dir { tree::followed(path, |_| true)? } else { vec![file.into()] };
    if contains_links(&host, &all)? {
        let copy = scratch.join(at.to_string());
        copy_code(&host, &all, &copy)?;
        host = copy;
    }
    let dir = Dir::read_only(&host, guest);
    let place = Utf8Path::new(file);
    let files = if is_dir {
        let embedded = all.into_iter().filter(|below| is_embedded(below));
        embedded.map(|below| (place.join(&below), path.join(&below))).collect()
    } else {
        vec![(place.to_owned(), path.clone())]
    };
    let (name, shown) = (name.to_owned(), shown.clone());
    Ok(Mounted { name, path: inside, shown, file: place.to_owned(), wheel: None, files, dir })
}

/// Returns true if files of a directory are links, or in directories that are links.
///
/// # Errors
/// When a link does not lead to a file.
fn contains_links(dir: &Utf8Path, files: &[Utf8PathBuf]) -> anyhow::Result<bool> {
    let real = dir.canonicalize_utf8()?;
    for file in files {
        let path = dir.join(file);
        let target = path.canonicalize_utf8();
        if target.with_context(|| format!("`{path}` leads to no file"))? != real.join(file) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies the code of a package. The guest cannot follow links that leave a mounted directory.
fn copy_code(dir: &Utf8Path, files: &[Utf8PathBuf], into: &Utf8Path) -> anyhow::Result<()> {
    for file in files {
        let copy = into.join(file);
        fs_err::create_dir_all(copy.parent().unwrap_or(into))?;
        // The guest reads the names of other files, but not their contents.
        let is_code = file.extension() == Some("py");
        let content = if is_code { fs_err::read(dir.join(file))? } else { Vec::new() };
        fs_err::write(copy, content)?;
    }
    Ok(())
}

/// Mounts an installed package. Each entry of its directory is a package, a module, metadata or data.
pub(super) fn mounted_wheel(at: usize, wheel: &Wheel) -> anyhow::Result<Vec<Mounted>> {
    let Wheel { name: wheel, root } = wheel;
    let guest = format!("/packages/{at}");
    let mut entries = BTreeMap::new();
    for file in tree::followed(root, is_embedded)? {
        let top = file.components().next().map(|top| top.as_str().to_owned());
        entries.entry(top.unwrap_or_default()).or_insert_with(Vec::new).push(file);
    }
    // Packages without a file to embed, such as one native module.
    for entry in root.read_dir_utf8()? {
        entries.entry(entry?.file_name().to_owned()).or_default();
    }
    let mount = |(entry, files): (String, Vec<Utf8PathBuf>)| Mounted {
        name: entry.strip_suffix(".py").unwrap_or(&entry).to_owned(),
        path: format!("{guest}/{entry}"),
        shown: format!("/pywasm/{entry}"),
        file: Utf8PathBuf::from(&entry),
        wheel: Some(wheel.clone()),
        files: files.into_iter().map(|file| (file.clone(), root.join(file))).collect(),
        dir: Dir::read_only(root, guest.clone()),
    };
    Ok(entries.into_iter().map(mount).collect())
}

/// Returns the patterns that match no file of a package.
pub(super) fn unmatched<'a>(patterns: &'a [Exclude], packages: &[Mounted]) -> Vec<&'a Exclude> {
    let files = || packages.iter().flat_map(|package| &package.files);
    let is_unmatched = |it: &&Exclude| !files().any(|(file, _)| it.matches(file.as_str()));
    patterns.iter().filter(is_unmatched).collect()
}

/// Removes the files that the patterns leave out from the packages, and returns them.
pub(super) fn exclude(patterns: &[Exclude], packages: &mut [Mounted]) -> Vec<Utf8PathBuf> {
    let mut excluded = Vec::new();
    for package in packages {
        package.files.retain(|(file, _)| {
            let is_excluded = is_excluded(patterns, file.as_str());
            excluded.extend(is_excluded.then(|| file.clone()));
            !is_excluded
        });
    }
    excluded
}

/// Checks that no two packages contain different files for one path.
///
/// # Errors
/// When there are such files.
pub(super) fn check_paths(packages: &[Mounted]) -> anyhow::Result<()> {
    let mut known: BTreeMap<&Utf8Path, &Utf8Path> = BTreeMap::new();
    for (file, host) in packages.iter().flat_map(|package| &package.files) {
        let Some(other) = known.insert(file, host) else { continue };
        // Packages in the same namespace can contain the same file.
        if fs_err::read(other)? != fs_err::read(host)? {
            return Err(anyhow::anyhow!(
                "`{other}` and `{host}` are different files for the path `{PACKAGES}/{file}`"
            ))
            .hint(|| {
                "remove one of the packages, rename it, or leave both files out with `exclude`"
                    .to_owned()
            });
        }
    }
    Ok(())
}

/// Returns true for files that Python or a program may read: not for bytecode of another
/// interpreter, types for tools, and native code for another platform.
fn is_embedded(file: &Utf8Path) -> bool {
    !matches!(file.extension(), Some("pyc" | "pyi" | "so" | "pyd" | "dylib"))
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && chars.all(|rest| rest == '_' || rest.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_files_are_mounted_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        fs_err::create_dir_all(root.join("python/app")).unwrap();
        fs_err::write(root.join("python/tool.py"), "").unwrap();
        let seen = |shown: &str| {
            let package = Package { path: root.join(shown), shown: shown.to_owned() };
            mounted(3, &package, root).map(|mounted| (mounted.name, mounted.path))
        };
        let pair = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        assert_eq!(seen("python/app").unwrap(), pair("app", "/packages/3"));
        assert_eq!(seen("python/tool.py").unwrap(), pair("tool", "/packages/3/tool.py"));
        fs_err::write(root.join("python/my-tool.py"), "").unwrap();
        for wrong in ["python/none", "python/my-tool.py"] {
            let error = format!("{:#}", seen(wrong).unwrap_err());
            assert!(error.contains(wrong), "{error}");
        }
    }
}
