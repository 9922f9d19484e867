//! Problems of the packages that are errors or warnings of the build.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::{Embedded, PACKAGES};
use pywasm_session::hinted;

/// The maximum number of files that a warning lists.
const MAX_FILES: usize = 3;
/// The size in bytes of a package's data above which the build warns. Of the packages in `docs/packages.md`,
/// only Babel has more.
const MAX_DATA: usize = 4_000_000;

/// An import that no included module satisfies.
#[derive(Deserialize)]
pub(super) struct Unknown {
    pub(super) name: String,
    /// The file that contains the import.
    pub(super) by: String,
    /// True if the import always runs and the file does not expect it to fail.
    pub(super) required: bool,
    /// The top-level package, if it is not embedded.
    pub(super) package: Option<String>,
    /// The file of the module, if it is native code for another platform.
    pub(super) native: Option<String>,
    /// The file of a module of this name in a package that has no file `__init__.py`.
    pub(super) nested: Option<String>,
    /// The installed package that contains the import.
    pub(super) wheel: Option<String>,
    /// True for a module of the standard library that does not exist for WASI or this recipe.
    pub(super) in_stdlib: bool,
}

/// A call that fails on WASI and is made when its file is imported.
#[derive(Deserialize)]
pub(super) struct Failing {
    file: String,
    function: String,
    /// The feature that WASI does not have, such as `processes`.
    feature: String,
}

/// Returns the path in the embedded directory of a file of an installed package.
pub(super) fn in_tree(shown: &str) -> &str {
    shown.strip_prefix("/pywasm/").unwrap_or(shown)
}

/// Returns the continuation of a message that names keys of Cargo.toml.
fn cure(in_crate: bool, text: &str) -> String {
    if in_crate { format!("; {text}") } else { String::new() }
}

impl Failing {
    pub(super) fn warning(&self, in_crate: bool) -> String {
        let Self { file, function, feature } = self;
        let cure = cure(in_crate, "if nothing imports the file, add it to `exclude`");
        format!(
            "`{file}` calls `{function}` when it is imported, but WASI has no {feature}, so the import will \
             fail unless the file handles the error{cure}"
        )
    }
}

impl Unknown {
    /// Returns the error for an installed package that needs native code to be imported.
    pub(super) fn error(&self, in_crate: bool) -> Option<anyhow::Error> {
        let (wheel, file) = (self.wheel.as_ref()?, self.native.as_ref()?);
        let (name, by) = (&self.name, in_tree(&self.by));
        self.required.then(|| {
            hinted(
                anyhow::anyhow!(
                    "package `{wheel}` needs native code: `{by}` imports `{name}`, but `{}` is for \
                     another platform",
                    in_tree(file)
                ),
                if in_crate {
                    format!(
                        "remove `{wheel}` from the requirements, or add `{name}` to `provided` if \
                         your Rust code provides it"
                    )
                } else {
                    format!("remove `{wheel}`, or what requires it")
                },
            )
        })
    }

    pub(super) fn warning(&self, in_crate: bool) -> String {
        let Self { name, by, native, nested, in_stdlib, .. } = self;
        if let Some(file) = nested {
            return format!(
                "`{by}` imports `{name}`, but `{file}` is embedded inside a package; add `{file}` to \
                 `packages` instead of its directory"
            );
        }
        match native {
            None if *in_stdlib => format!(
                "`{by}` imports `{name}`, which this Python does not have, so the import will fail{}",
                cure(in_crate, "add it to `provided` if your Rust code provides it")
            ),
            Some(file) => format!(
                "`{by}` imports `{name}`, but `{file}` is native code for another platform and \
                 cannot be embedded"
            ),
            None => format!(
                "`{by}` imports `{name}`, which is not embedded, so the import will fail{}",
                cure(
                    in_crate,
                    "add it to `packages`, or to `provided` if your Rust code provides it"
                )
            ),
        }
    }
}

/// Returns the warning about files that are not embedded.
pub(super) fn left_out(left: &[String]) -> Option<String> {
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

/// Returns a warning for each package that contains much data, unless some files of the package are already
/// left out.
pub(super) fn large(embedded: &Embedded, excluded: &[Utf8PathBuf]) -> Vec<String> {
    // The sizes of the data of packages, by directory.
    let mut packages: BTreeMap<&str, BTreeMap<&Utf8Path, usize>> = BTreeMap::new();
    for (path, content) in embedded.contents(PACKAGES) {
        if !matches!(path.extension(), Some("py" | "pyc")) {
            let sizes = packages.entry(top(path)).or_default();
            *sizes.entry(path.parent().unwrap_or(path)).or_default() += content.len();
        }
    }
    let is_known = |package: &str| excluded.iter().any(|path| top(path) == package);
    packages
        .retain(|package, sizes| sizes.values().sum::<usize>() > MAX_DATA && !is_known(package));
    packages.into_iter().filter_map(|(package, sizes)| large_package(package, &sizes)).collect()
}

fn large_package(package: &str, sizes: &BTreeMap<&Utf8Path, usize>) -> Option<String> {
    let (largest, _) = sizes.iter().max_by_key(|(_, size)| **size)?;
    let total = ByteSize::b(sizes.values().sum::<usize>() as u64).display().si();
    Some(format!(
        "`{package}` contains {total} of data, most of it in `{largest}`; to leave files out, add \
         patterns to `exclude`: `cargo pywasm run-wasm --trace-files` shows which files a run opens"
    ))
}

fn top(path: &Utf8Path) -> &str {
    path.components().next().map_or("", |first| first.as_str())
}
