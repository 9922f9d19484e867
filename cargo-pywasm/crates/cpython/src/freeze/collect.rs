//! Compiles Python modules and follows their imports, in the interpreter that will run the modules.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{Frozen, Interpreter, Module, Package, Wanted};
use crate::build::PREFIX;
use pywasm_recipes::unavailable;
use pywasm_runtime::{Dir, Runtime};
use pywasm_session::WithHint;

const SCRIPT: &str = concat!(include_str!("imports.py"), include_str!("collect.py"));

#[derive(Serialize)]
struct Request<'a> {
    stdlib: &'a str,
    closed: bool,
    modules: &'a [String],
    packages: Vec<Mounted>,
    /// The modules that only raise an error.
    unavailable: Vec<&'a String>,
}

/// A package with its path in the guest.
#[derive(Serialize)]
struct Mounted {
    name: String,
    path: String,
    shown: String,
    #[serde(skip)]
    dir: Dir,
}

#[derive(Deserialize)]
struct Index {
    modules: Vec<Module>,
    absent: Vec<String>,
    unknown: Vec<Unknown>,
    /// The files in packages that are not embedded.
    left: Vec<String>,
    built_in: Option<Vec<String>>,
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
    /// True for a module of the standard library that does not exist for WASI or this recipe.
    in_stdlib: bool,
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
) -> anyhow::Result<Frozen> {
    let packages = wanted.packages.iter().enumerate();
    let packages = packages.map(|(at, package)| mounted(at, package));
    let packages = packages.collect::<anyhow::Result<Vec<_>>>()?;
    let guest = format!("{PREFIX}/lib/python{}", interpreter.series);
    let scratch = tempfile::tempdir()?;
    let out = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;

    let dirs: Vec<Dir> = packages.iter().map(|package| package.dir.clone()).collect();
    let request = Request {
        stdlib: &guest,
        closed: wanted.closed,
        modules: &wanted.modules,
        packages,
        unavailable: unavailable().keys().collect(),
    };
    let mut program = crate::interpreter(runtime)
        .args(["-c", SCRIPT])
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(serde_json::to_string(&request)?)
        .dir(Dir::read_only(interpreter.stdlib, guest.as_str()))
        .dir(Dir::writable(&out, "/out"));
    for dir in dirs {
        program = program.dir(dir);
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
    let code = fs_err::read(out.join("code"))?;
    let Index { modules, absent, unknown, left, built_in } = index;
    let of_compiler = Some(captured.text().trim_end().to_owned()).filter(|text| !text.is_empty());
    let is_provided = |it: &Unknown| {
        let top = it.name.split('.').next().unwrap_or_default();
        wanted.provided.iter().any(|name| *name == it.name || name == top)
    };
    let (mut missing, mut packages) = (Vec::new(), BTreeSet::new());
    for it in unknown.iter().filter(|it| it.required && !is_provided(it)) {
        // Adding a package also adds its other modules.
        if it.package.as_ref().is_none_or(|name| packages.insert(name)) {
            missing.push(it.warning());
        }
    }
    let warnings = of_compiler.into_iter().chain(missing).chain(files(&left));
    let warnings = warnings.collect();
    let unknown = unknown.into_iter().map(|it| it.name).collect();
    Ok(Frozen { modules, absent, unknown, built_in, warnings, code })
}

impl Unknown {
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
fn files(left: &[String]) -> Option<String> {
    let shown = left.iter().take(MAX_FILES).map(|file| format!("`{file}`"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = match left.len().saturating_sub(MAX_FILES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!("not embedded, because Python cannot import it: {shown}{more}");
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
    if !python || !is_identifier(name) {
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
    Ok(Mounted { name: name.to_owned(), path: inside, shown: shown.clone(), dir })
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
