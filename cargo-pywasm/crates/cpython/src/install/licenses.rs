//! The licence texts of everything that is linked into a wasm module.

use camino::Utf8Path;

use crate::build::SourceTree;
use crate::libraries::Compiled;
use pywasm_toolchain::Toolchain;

/// Licence texts in CPython's source tree: CPython's licence, the terms of the software that
/// CPython incorporates (expat, libmpdec, HACL* and others), and expat's own licence.
const CPYTHON: [(&str, &str); 3] = [
    ("LICENSE", "CPython.txt"),
    ("Doc/license.rst", "CPython-incorporated-software.rst"),
    ("Modules/expat/COPYING", "expat.txt"),
];

/// The file with the changes to CPython, which its licence requires.
pub(super) const CHANGES: &str = "CPython-changes.patch";

/// The licences of wasi-libc and compiler-rt, from the root directories of both projects. The
/// official SDK contains no licence files.
const SDK_NOTICE: &str = "\
wasi-libc (https://github.com/WebAssembly/wasi-libc), which is linked into every module:
    SPDX: (Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT) AND MIT AND BSD-2-Clause
    (its top half is musl libc, MIT; its allocator dlmalloc is in the public domain)

compiler-rt of LLVM (https://llvm.org), which is linked if needed:
    SPDX: Apache-2.0 WITH LLVM-exception
";

/// Writes the licence texts into `LICENSES/`, and the patch that was applied to CPython.
pub(super) fn collect(
    source: &SourceTree,
    patch: Option<&str>,
    libraries: &[Compiled],
    toolchain: &Toolchain,
    root: &Utf8Path,
) -> anyhow::Result<()> {
    let into = root.join("LICENSES");
    fs_err::create_dir_all(&into)?;
    for (from, to) in CPYTHON {
        fs_err::copy(source.root().join(from), into.join(to))?;
    }
    if let Some(patch) = patch {
        fs_err::write(into.join(CHANGES), patch)?;
    }
    fs_err::write(into.join("wasi-libc-and-compiler-rt.txt"), SDK_NOTICE)?;
    for one in libraries {
        let Some(dir) = &one.licenses else { continue };
        for entry in dir.read_dir_utf8()? {
            let entry = entry?;
            let name = format!("{}-{}.txt", one.library.name, entry.file_name());
            fs_err::copy(entry.path(), into.join(name))?;
        }
    }
    // A toolchain from distribution packages contains each package's copyright file.
    let docs = toolchain.root.join("share/doc");
    for package in packages(&docs)? {
        let copyright = docs.join(&package).join("copyright");
        if copyright.exists() {
            fs_err::copy(&copyright, into.join(format!("{package}.txt")))?;
        }
    }
    Ok(())
}

/// Returns the packages whose code is linked into wasm modules: libc and compiler-rt.
fn packages(docs: &Utf8Path) -> anyhow::Result<Vec<String>> {
    if !docs.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in docs.read_dir_utf8()? {
        let name = entry?.file_name().to_owned();
        if name == "wasi-libc" || name.starts_with("libclang-rt-") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
