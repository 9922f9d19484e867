//! Compiles Python modules and follows their imports, in the interpreter that will run the modules.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::files::Files;
use super::kept::{self, Kept};
use super::mount::{Mounted, check_paths, exclude, mounted, mounted_wheel, unmatched};
use super::problems::{Failing, Unknown, in_tree, large, left_out};
use super::{Frozen, Interpreter, Module, Wanted, Wheel};
use crate::build::PREFIX;
use pywasm_recipes::{is_excluded, unavailable};
use pywasm_runtime::{Dir, Runtime};
use pywasm_store::Store;

pub(super) const SCRIPT: &str = concat!(
    include_str!("calls.py"),
    include_str!("imports.py"),
    include_str!("code.py"),
    include_str!("trace.py"),
    include_str!("library.py"),
    include_str!("packages.py"),
    include_str!("collect.py")
);

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
    let scratch = tempfile::tempdir()?;
    let scratch = Utf8Path::from_path(scratch.path()).context("the path is not UTF-8")?;
    let packages = wanted.packages.iter().enumerate();
    let packages = packages.map(|(at, package)| mounted(at, package, &scratch.join("packages")));
    let mut packages = packages.collect::<anyhow::Result<Vec<_>>>()?;
    for wheel in &wanted.wheels {
        packages.extend(mounted_wheel(packages.len(), wheel)?);
    }
    let unmatched = unmatched(&wanted.exclude, &packages);
    let excluded = exclude(&wanted.exclude, &mut packages);
    check_paths(&packages)?;
    let kept = Kept::new(store, interpreter.name, wanted, &excluded);
    let of_kept = |wheel: &Wheel| (wheel.name.clone(), kept.directory(wheel));
    let directories: BTreeMap<String, Utf8PathBuf> =
        wanted.wheels.iter().map(of_kept).filter(|(_, directory)| directory.is_dir()).collect();
    let guest = format!("{PREFIX}/lib/python{}", interpreter.series);
    let out = scratch.join("out");
    fs_err::create_dir(&out)?;

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
    if let Some(error) =
        unknown.iter().filter(|it| !is_provided(it)).find_map(|it| it.error(wanted.in_crate))
    {
        return Err(error);
    }
    let (mut missing, mut named) = (Vec::new(), BTreeSet::new());
    for it in unknown.iter().filter(|it| it.required && !is_provided(it)) {
        // Adding a package also adds its other modules.
        if it.package.as_ref().is_none_or(|name| named.insert(name)) {
            missing.push(it.warning(wanted.in_crate));
        }
    }
    let (excluded_native, left): (Vec<String>, Vec<String>) =
        left.into_iter().partition(|file| is_excluded(&wanted.exclude, in_tree(file)));
    let unused = unmatched
        .into_iter()
        .filter(|it| !excluded_native.iter().any(|file| it.matches(in_tree(file))));
    let unused = unused.map(|it| format!("`exclude`: no file of a package matches `{it}`"));
    let failing = failing.iter().map(|it| it.warning(wanted.in_crate));
    let mut warnings: Vec<String> = of_compiler.into_iter().chain(missing).chain(failing).collect();
    if wanted.in_crate {
        warnings.extend(left_out(&left).into_iter().chain(unused));
        warnings.extend(large(&embedded, &excluded));
    }
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
