//! Compiles Python modules and follows their imports, in the interpreter that will run the modules.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;
use serde::{Deserialize, Serialize};

use super::files::Files;
use super::kept::{self, Kept};
use super::{Frozen, Interpreter, Module, Package, Wanted, Wheel};
use crate::build::PREFIX;
use crate::tree;
use pywasm_recipes::unavailable;
use pywasm_runtime::{Dir, Runtime};
use pywasm_session::{WithHint, hinted};
use pywasm_store::Store;

pub(super) const SCRIPT: &str =
    concat!(include_str!("calls.py"), include_str!("imports.py"), include_str!("collect.py"));

#[derive(Serialize)]
struct Request<'a> {
    stdlib: &'a str,
    closed: bool,
    library_files: bool,
    modules: &'a [String],
    packages: &'a [Mounted],
    /// The modules that only raise an error.
    unavailable: Vec<&'a String>,
    /// The installed packages whose modules are kept.
    kept: &'a [&'a String],
    /// The files that are left out, by their paths in the embedded directory.
    excluded_files: &'a [Utf8PathBuf],
}

/// A package with its path in the guest.
#[derive(Serialize)]
struct Mounted {
    name: String,
    path: String,
    shown: String,
    /// Its path in the embedded directory.
    file: Utf8PathBuf,
    /// The name of the installed package that it is part of.
    wheel: Option<String>,
    /// Its files: each path in the embedded directory, and its path on this machine.
    #[serde(skip)]
    files: Vec<(Utf8PathBuf, Utf8PathBuf)>,
    #[serde(skip)]
    dir: Dir,
}

#[derive(Deserialize)]
pub(super) struct Index {
    pub(super) modules: Vec<Compiled>,
    absent: Vec<String>,
    unknown: Vec<Unknown>,
    /// The files in packages that cannot be embedded.
    left: Vec<String>,
    failing: Vec<Failing>,
    /// The modules to keep of installed packages, by the files of the modules. Their offsets are those
    /// in the file `code`.
    new: BTreeMap<String, BTreeMap<Utf8PathBuf, New>>,
    /// The files of all modules in packages, by their paths in the embedded directory.
    pub(super) own: BTreeSet<Utf8PathBuf>,
    /// The sources of the selected modules of the library, by their paths in the library's
    /// directory. Empty if the library is frozen.
    pub(super) library: BTreeSet<Utf8PathBuf>,
    built_in: Option<Vec<String>>,
    /// The first bytes of bytecode files.
    pub(super) magic: [u8; 4],
    /// The part of the names of bytecode files that names the interpreter, such as `cpython-313`.
    pub(super) cache_tag: String,
}

/// A module and the place of its code in the file `code`.
#[derive(Deserialize)]
pub(super) struct Compiled {
    name: String,
    package: bool,
    /// The path of the module's source in an embedded directory. Frozen modules have none.
    pub(super) file: Option<Utf8PathBuf>,
    /// True for a module of the user, false for a module of the library.
    pub(super) own: bool,
    /// The installed package whose kept code contains the module's.
    pub(super) kept: Option<String>,
    pub(super) offset: usize,
    pub(super) size: usize,
}

/// A module of an installed package that was not kept.
#[derive(Deserialize, Serialize)]
struct New {
    offset: usize,
    size: usize,
    outline: serde_json::Value,
}

/// An import that no included module satisfies.
#[derive(Deserialize)]
struct Unknown {
    name: String,
    /// The file that contains the import.
    by: String,
    /// True if the import always runs and the file does not expect it to fail.
    required: bool,
    /// The top-level package, if it is not embedded.
    package: Option<String>,
    /// The file of the module, if it is native code for another platform.
    native: Option<String>,
    /// The installed package that contains the import.
    wheel: Option<String>,
    /// True for a module of the standard library that does not exist for WASI or this recipe.
    in_stdlib: bool,
}

/// A call that fails on WASI and is made when its file is imported.
#[derive(Deserialize)]
struct Failing {
    file: String,
    function: String,
    /// The feature that WASI does not have, such as `processes`.
    feature: String,
}

/// The maximum number of files that a warning lists.
const MAX_FILES: usize = 3;

/// Collects the requested modules and everything they import.
///
/// # Errors
/// When a module does not exist or is not valid Python. For invalid Python, the message shows the
/// file, the line and a caret.
pub fn collect(
    wanted: &Wanted,
    interpreter: Interpreter<'_>,
    runtime: &Runtime,
    store: &Store,
) -> anyhow::Result<Frozen> {
    let packages = wanted.packages.iter().enumerate();
    let packages = packages.map(|(at, package)| mounted(at, package));
    let mut packages = packages.collect::<anyhow::Result<Vec<_>>>()?;
    for wheel in &wanted.wheels {
        packages.extend(mounted_wheel(packages.len(), wheel)?);
    }
    let excluded = exclude(&wanted.exclude, &mut packages);
    let kept = Kept::new(store, interpreter.name, wanted, &excluded);
    let of_kept = |wheel: &Wheel| (wheel.name.clone(), kept.directory(wheel));
    let directories: BTreeMap<String, Utf8PathBuf> =
        wanted.wheels.iter().map(of_kept).filter(|(_, directory)| directory.is_dir()).collect();
    let guest = format!("{PREFIX}/lib/python{}", interpreter.series);
    let scratch = tempfile::tempdir()?;
    let out = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;

    let request = Request {
        stdlib: &guest,
        closed: wanted.closed,
        library_files: wanted.library_files && !wanted.closed,
        modules: &wanted.modules,
        packages: &packages,
        unavailable: unavailable().keys().collect(),
        excluded_files: &excluded,
        kept: &directories.keys().collect::<Vec<_>>(),
    };
    let mut program = crate::interpreter(runtime)
        .args(["-c", SCRIPT])
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(serde_json::to_string(&request)?)
        .dir(Dir::read_only(interpreter.stdlib, guest.as_str()))
        .dir(Dir::writable(&out, "/out"));
    let mut dirs: Vec<&Dir> = packages.iter().map(|package| &package.dir).collect();
    dirs.dedup();
    for dir in dirs {
        program = program.dir(dir.clone());
    }
    for (wheel, directory) in &directories {
        program = program.dir(Dir::read_only(directory, format!("/kept/{wheel}")));
    }
    let captured = runtime.capture(&runtime.load(interpreter.wasm)?, &program)?;
    if let Ok(reason) = fs_err::read_to_string(out.join("error")) {
        anyhow::bail!("{reason}");
    }
    anyhow::ensure!(
        captured.end.is_success(),
        "cannot collect the modules to freeze: {}\n{}",
        captured.end,
        captured.text()
    );
    let index: Index = serde_json::from_slice(&fs_err::read(out.join("index.json"))?)?;
    let mut codes = BTreeMap::from([(None, fs_err::read(out.join("code"))?)]);
    for (wheel, directory) in &directories {
        codes.insert(Some(wheel.clone()), kept::code(directory)?);
    }
    for wheel in wanted.wheels.iter().filter(|wheel| !directories.contains_key(&wheel.name)) {
        keep(wheel, &index, &codes[&None], &kept)?;
    }
    let mut files = Files::new(&index, &codes, wanted.source);
    for (file, host) in packages.iter().flat_map(|package| &package.files) {
        files.add_own(file, host)?;
    }
    let library = (!index.library.is_empty()).then_some(guest);
    if let Some(guest) = &library {
        files.add_library(guest, interpreter.stdlib)?;
    }
    let embedded = files.embedded;
    let Index { modules, absent, unknown, left, failing, built_in, .. } = index;
    let (modules, code) = frozen(modules, &codes[&None]);
    let of_compiler = Some(captured.text().trim_end().to_owned()).filter(|text| !text.is_empty());
    let is_provided = |it: &Unknown| {
        let top = it.name.split('.').next().unwrap_or_default();
        wanted.provided.iter().any(|name| *name == it.name || name == top)
    };
    if let Some(error) = unknown.iter().filter(|it| !is_provided(it)).find_map(Unknown::error) {
        return Err(error);
    }
    let (mut missing, mut named) = (Vec::new(), BTreeSet::new());
    for it in unknown.iter().filter(|it| it.required && !is_provided(it)) {
        // Adding a package also adds its other modules.
        if it.package.as_ref().is_none_or(|name| named.insert(name)) {
            missing.push(it.warning());
        }
    }
    let (excluded_native, left): (Vec<String>, Vec<String>) = left
        .into_iter()
        .partition(|file| wanted.exclude.iter().any(|pattern| pattern.matches(in_tree(file))));
    let is_used = |pattern: &&Pattern| {
        excluded.iter().any(|file| pattern.matches(file.as_str()))
            || excluded_native.iter().any(|file| pattern.matches(in_tree(file)))
    };
    let unused = wanted.exclude.iter().filter(|pattern| !is_used(pattern));
    let unused = unused.map(|it| format!("`exclude`: no file of a package matches `{it}`"));
    let failing = failing.iter().map(Failing::warning);
    let warnings = of_compiler.into_iter().chain(missing).chain(failing);
    let warnings = warnings.chain(left_out(&left)).chain(unused).collect();
    let unknown = unknown.into_iter().map(|it| it.name).collect();
    Ok(Frozen { modules, embedded, library, absent, unknown, built_in, warnings, code })
}

/// Keeps the modules of an installed package that were compiled.
fn keep(wheel: &Wheel, index: &Index, code: &[u8], kept: &Kept<'_>) -> anyhow::Result<()> {
    let (mut modules, mut own_code) = (BTreeMap::new(), Vec::new());
    for (file, new) in index.new.get(&wheel.name).into_iter().flatten() {
        let (offset, outline) = (own_code.len(), new.outline.clone());
        modules.insert(file, New { offset, size: new.size, outline });
        own_code.extend_from_slice(&code[new.offset..new.offset + new.size]);
    }
    kept.keep(wheel, &serde_json::to_value(modules)?, &own_code)
}

/// Returns the frozen modules and their code.
fn frozen(modules: Vec<Compiled>, blob: &[u8]) -> (Vec<Module>, Vec<u8>) {
    let mut code = Vec::new();
    let frozen = modules.into_iter().filter(|it| it.file.is_none());
    let modules = frozen.map(|Compiled { name, package, offset, size, .. }| {
        let module = Module { name, package, offset: code.len(), size };
        code.extend_from_slice(&blob[offset..offset + size]);
        module
    });
    (modules.collect(), code)
}

/// Removes the files that match a pattern from the packages, and returns them.
fn exclude(patterns: &[Pattern], packages: &mut [Mounted]) -> Vec<Utf8PathBuf> {
    let mut excluded = Vec::new();
    for package in packages {
        package.files.retain(|(file, _)| {
            let is_excluded = patterns.iter().any(|pattern| pattern.matches(file.as_str()));
            excluded.extend(is_excluded.then(|| file.clone()));
            !is_excluded
        });
    }
    excluded
}

/// Returns true for files that Python or a program may read: not for bytecode of another
/// interpreter, types for tools, and native code for another platform.
fn is_embedded(file: &Utf8Path) -> bool {
    !matches!(file.extension(), Some("pyc" | "pyi" | "so" | "pyd" | "dylib"))
}

/// Returns the path in the embedded directory of a file of an installed package.
fn in_tree(shown: &str) -> &str {
    shown.strip_prefix("/pywasm/").unwrap_or(shown)
}

impl Failing {
    fn warning(&self) -> String {
        let Self { file, function, feature } = self;
        format!(
            "`{file}` calls `{function}` when it is imported, but WASI has no {feature}, so the import will \
             fail unless the file handles the error"
        )
    }
}

impl Unknown {
    /// Returns the error for an installed package that needs native code to be imported.
    fn error(&self) -> Option<anyhow::Error> {
        let (wheel, file) = (self.wheel.as_ref()?, self.native.as_ref()?);
        let (name, by) = (&self.name, in_tree(&self.by));
        self.required.then(|| {
            hinted(
                anyhow::anyhow!(
                    "package `{wheel}` needs native code: `{by}` imports `{name}`, but `{}` is for \
                     another platform",
                    in_tree(file)
                ),
                format!(
                    "remove `{wheel}` from the requirements, or add `{name}` to `provided` if your \
                     Rust code provides it"
                ),
            )
        })
    }

    fn warning(&self) -> String {
        let Self { name, by, native, in_stdlib, .. } = self;
        match native {
            None if *in_stdlib => format!(
                "`{by}` imports `{name}`, which this Python does not have, so the import will fail; \
                 add it to `provided` if your Rust code provides it"
            ),
            Some(file) => format!(
                "`{by}` imports `{name}`, but `{file}` is native code for another platform and \
                 cannot be embedded"
            ),
            None => format!(
                "`{by}` imports `{name}`, which is not embedded, so the import will fail; add it to \
                 `packages`, or to `provided` if your Rust code provides it"
            ),
        }
    }
}

/// Returns the warning about files that are not embedded.
fn left_out(left: &[String]) -> Option<String> {
    let shown = left.iter().take(MAX_FILES).map(|file| format!("`{file}`"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = match left.len().saturating_sub(MAX_FILES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!(
        "not embedded, because it is native code for another platform: {shown}{more}; if the \
             package works without it, add it to `exclude`"
    );
    (!left.is_empty()).then_some(text)
}

/// Mounts a package as a directory in the guest. If the package is a single file, mounts its parent
/// directory.
fn mounted(at: usize, package: &Package) -> anyhow::Result<Mounted> {
    let Package { path, shown } = package;
    let dir = path.is_dir();
    anyhow::ensure!(dir || path.is_file(), "package `{shown}` does not exist (`{path}`)");
    let (file, name) = (path.file_name().unwrap_or_default(), path.file_stem().unwrap_or_default());
    let name = if dir { file } else { name };
    let python = dir || path.extension() == Some("py");
    let is_metadata = dir && path.extension() == Some("dist-info");
    if !python || !(is_identifier(name) || is_metadata) {
        return Err(anyhow::anyhow!("Python cannot import `{shown}` as a package")).hint(|| {
            "specify a directory, such as `python/app`, or a file, such as `python/app.py`"
                .to_owned()
        });
    }
    let guest = format!("/packages/{at}");
    let (host, inside): (&Utf8Path, String) = match path.parent() {
        Some(parent) if !dir => (parent, format!("{guest}/{file}")),
        _ => (path, guest.clone()),
    };
    let dir = Dir::read_only(host, guest);
    let place = Utf8Path::new(file);
    let files = match path.is_dir() {
        false => vec![(place.to_owned(), path.clone())],
        true => tree::followed(path, is_embedded)?
            .into_iter()
            .map(|below| (place.join(&below), path.join(&below)))
            .collect(),
    };
    let (name, shown) = (name.to_owned(), shown.clone());
    Ok(Mounted { name, path: inside, shown, file: place.to_owned(), wheel: None, files, dir })
}

/// Mounts an installed package. Each entry of its directory is a package, a module, metadata or data.
fn mounted_wheel(at: usize, wheel: &Wheel) -> anyhow::Result<Vec<Mounted>> {
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
            mounted(3, &package).map(|mounted| (mounted.name, mounted.path))
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
