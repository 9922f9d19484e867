//! The embedded files of the user's packages and of the standard library.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::collect::{Compiled, Index};
use super::{Embedded, PACKAGES};
use crate::tree;

/// The file of a package.
const INIT: &str = "__init__.py";

/// An empty directory in the library. Without it, Python warns that it did not find its native
/// modules.
///
/// Source: `PLATSTDLIB_LANDMARK` in CPython's `Modules/getpath.py`.
const NATIVE_MODULES: &str = "lib-dynload";

/// Directories of the library that are not part of its packages.
const NOT_DATA: [&str; 2] = ["test", "tests"];

/// Embedded files while they are collected.
pub(super) struct Files<'a> {
    pub(super) embedded: Embedded,
    index: &'a Index,
    /// The modules that have a file, by its path. The first part of the key is true for the user's
    /// modules.
    compiled: BTreeMap<(bool, &'a Utf8Path), &'a Compiled>,
    /// The code of all modules, by the installed packages that it is kept for.
    codes: &'a Codes,
    /// True if modules are embedded with their source.
    source: bool,
}

/// Bytecode. The key of code that is not kept is `None`.
pub(super) type Codes = BTreeMap<Option<String>, Vec<u8>>;

/// Adds the whole library as bytecode with its data. `directory` is the directory of the library in the
/// module, and `host` that of the installation.
///
/// # Errors
/// When a file cannot be read.
pub fn add_library(
    embedded: &mut Embedded,
    directory: &str,
    host: &Utf8Path,
) -> anyhow::Result<()> {
    let files = tree::with_bytecode_beside(host)?;
    let compiled: BTreeSet<&Utf8Path> = files.iter().map(|(place, _)| place.as_path()).collect();
    for (place, path) in &files {
        let is_source = place.extension() == Some("py");
        if !(is_source && compiled.contains(place.with_extension("pyc").as_path())) {
            embedded.add(directory, place, fs_err::read(path)?)?;
        }
    }
    embedded.add_directory(directory, NATIVE_MODULES.into())
}

impl<'a> Files<'a> {
    pub(super) fn new(index: &'a Index, codes: &'a Codes, source: bool) -> Self {
        let with_file = |it: &'a Compiled| Some(((it.own, it.file.as_deref()?), it));
        let compiled = index.modules.iter().filter_map(with_file).collect();
        Self { embedded: Embedded::default(), index, compiled, codes, source }
    }

    /// Adds a file of a package of the user. Modules are added as bytecode.
    pub(super) fn add_own(&mut self, file: &Utf8Path, host: &Utf8Path) -> anyhow::Result<()> {
        if self.compiled.contains_key(&(true, file)) {
            return self.add_module(PACKAGES, true, file, host);
        }
        // A module that is excluded has no code.
        if !self.index.own.contains(file) {
            self.embedded.add(PACKAGES, file, fs_err::read(host)?)?;
        }
        Ok(())
    }

    /// Adds the modules of the library, and the data of its packages. `directory` is the directory
    /// of the library in the module, and `host` that of the installation.
    pub(super) fn add_library(&mut self, directory: &str, host: &Utf8Path) -> anyhow::Result<()> {
        for file in &self.index.library {
            self.add_module(directory, false, file, &host.join(file))?;
            let Some(package) = file.parent().filter(|_| file.ends_with(INIT)) else { continue };
            let package_on_host = host.join(package);
            for data in tree::followed(&package_on_host, |path| is_data_of(&package_on_host, path))?
            {
                let content = fs_err::read(package_on_host.join(&data))?;
                self.embedded.add(directory, &package.join(data), content)?;
            }
        }
        self.embedded.add_directory(directory, NATIVE_MODULES.into())
    }

    /// Adds the bytecode of a module, unless the module is frozen, and its source, if requested.
    fn add_module(
        &mut self,
        directory: &str,
        own: bool,
        file: &Utf8Path,
        host: &Utf8Path,
    ) -> anyhow::Result<()> {
        if let Some(module) = self.compiled.get(&(own, file)) {
            let code = &self.codes[&module.kept][module.offset..module.offset + module.size];
            let place = bytecode_file(file, self.source, &self.index.cache_tag);
            self.embedded.add(directory, &place, pyc(self.index.magic, code))?;
        }
        if self.source {
            self.embedded.add(directory, file, fs_err::read(host)?)?;
        }
        Ok(())
    }
}

/// Returns true for a file in a package of the library that programs may read: not for modules,
/// documentation and settings of type checkers, and not for the files of packages inside the
/// package.
fn is_data_of(package: &Utf8Path, file: &Utf8Path) -> bool {
    let is_module = matches!(file.extension(), Some("py" | "pyc"));
    let is_for_developers = file.extension() == Some("rst")
        || file.file_name() == Some("mypy.ini")
        || file.file_stem() == Some("README");
    let dirs = || file.ancestors().skip(1).filter(|dir| !dir.as_str().is_empty());
    let is_of_other = dirs().any(|dir| {
        NOT_DATA.contains(&dir.file_name().unwrap_or_default())
            || package.join(dir).join(INIT).exists()
    });
    !is_module && !is_for_developers && !is_of_other
}

/// Returns the path of the bytecode of a module: beside the source, or instead of it.
///
/// Source: PEP 3147.
fn bytecode_file(file: &Utf8Path, source: bool, cache_tag: &str) -> Utf8PathBuf {
    if !source {
        return file.with_extension("pyc");
    }
    let name = format!("{}.{cache_tag}.pyc", file.file_stem().unwrap_or_default());
    file.with_file_name("__pycache__").join(name)
}

/// Returns the content of a bytecode file that is never compared with its source.
///
/// Source: PEP 552.
fn pyc(magic: [u8; 4], code: &[u8]) -> Vec<u8> {
    const UNCHECKED_HASH: u32 = 1;
    let header = magic.into_iter().chain(UNCHECKED_HASH.to_le_bytes()).chain([0; 8]);
    header.chain(code.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_a_package_is_neither_code_nor_documentation() {
        let dir = tempfile::tempdir().unwrap();
        let package = Utf8Path::from_path(dir.path()).unwrap();
        fs_err::create_dir(package.join("inner")).unwrap();
        fs_err::write(package.join("inner").join(INIT), "").unwrap();
        for (file, is_data) in [
            ("style.css", true),
            ("scripts/posix/activate", true),
            ("__init__.py", false),
            ("scripts/tool.py", false),
            ("architecture.rst", false),
            ("mypy.ini", false),
            ("README.txt", false),
            ("tests/table.txt", false),
            ("inner/style.css", false),
        ] {
            assert_eq!(is_data_of(package, file.into()), is_data, "{file}");
        }
    }
}
