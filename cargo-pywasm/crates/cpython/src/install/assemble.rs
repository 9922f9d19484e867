//! Writes the files of an installation into a staging directory.

use anyhow::Context;
use camino::Utf8Path;

use super::manifest::{Contents, Input, Manifest};
use super::objects::Compiler;
use super::request::{Request, RequestKey};
use super::write_json;
use super::{archive, audit, details, licenses, macros, missing, sbom, stdlib};
use crate::build::{Built, Logs, PREFIX, SourceTree};
use crate::bytecode;
use crate::freeze::{self, Interpreter, Wanted};
use crate::headers::copy_headers;
use crate::libraries::Compiled;
use pywasm_runtime::Runtime;
use pywasm_store::Ctx;
use pywasm_store::Lock;
use pywasm_toolchain::Toolchain;

/// The libc and start files that libpython was built against. The ABI of wasi-libc may change with
/// each version (PEP 816), so an installation contains its own copies of these files, in a separate
/// directory. `pywasm-build` decides whether a wasm module is linked with them.
const SYSROOT_FILES: [&str; 5] = ["libc.a", "libm.a", "crt1.o", "crt1-command.o", "crt1-reactor.o"];

/// The archive that causes an error if a C API macro is called as a function (see [`macros`]).
const MACROS: &str = "libpywasm_macros.a";

/// The archive of the recipe's stubs, which `pywasm-build` links last.
const STUBS: &str = "libpywasm_stubs.a";

/// The inputs for an installation.
pub(super) struct Parts<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) key: &'a RequestKey,
    pub(super) toolchain: &'a Toolchain,
    pub(super) source: &'a SourceTree,
    pub(super) libraries: &'a [Compiled],
    pub(super) built: &'a Built,
    pub(super) inputs: &'a [Input],
    /// The lock that guards the installation.
    pub(super) lock: &'a Lock,
    /// The installation's final directory, for files that contain absolute paths.
    pub(super) final_root: &'a Utf8Path,
}

/// Writes all files of an installation into `root`.
pub(super) fn assemble(
    parts: &Parts<'_>,
    root: &Utf8Path,
    logs: &Utf8Path,
    runtime: &Runtime,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let series = parts.request.pin.series();
    let (lib, bin) = (root.join("lib"), root.join("bin"));
    fs_err::create_dir_all(&lib)?;
    fs_err::create_dir_all(&bin)?;

    let logs = Logs::fresh(&logs.join("assemble"), parts.lock)?;
    let libpython = lib.join(format!("libpython{series}.a"));
    let debug_info = parts.request.recipe.build.debug_info;
    archive::merge(parts.built, parts.toolchain, &libpython, debug_info, &logs)?;
    let stubs = lib.join(STUBS);
    if let Some(built) = &parts.built.stubs {
        fs_err::copy(built, &stubs)?;
    }
    let libc = lib.join(pywasm_build::LIBC_DIR);
    fs_err::create_dir(&libc)?;
    for name in SYSROOT_FILES {
        fs_err::copy(parts.toolchain.lib_dir().join(name), libc.join(name))?;
    }
    let include = root.join(format!("include/python{series}"));
    headers(parts, &include)?;
    Compiler { toolchain: parts.toolchain, include: &include, logs: &logs }.write(&lib)?;
    macros::archive(&lib.join(MACROS))?;

    let tree = lib.join(format!("python{series}"));
    stdlib::copy_tree(&parts.source.lib(), &tree, &parts.request.recipe.stdlib.exclude)?;
    sysconfigdata(parts, &tree)?;
    missing::write(series, &parts.built.inventory, &tree)?;
    write_json(
        &tree.join("build-details.json"),
        &details::build_details(parts.request, parts.built),
    )?;
    let interpreter = bin.join("python.wasm");
    fs_err::copy(&parts.built.interpreter, &interpreter)?;
    let audit = audit::audit(&audit::Product {
        recipe: parts.request.recipe,
        toolchain: parts.toolchain,
        libpython: &libpython,
        stubs: parts.built.stubs.as_ref().map(|_| stubs.as_path()),
        interpreter: &interpreter,
    })?;
    audit.write(root)?;
    let guest = format!("{PREFIX}/lib/python{series}");
    let tree_in_guest = bytecode::Tree { host: &tree, guest: &guest };
    let compiler =
        bytecode::Compiler { interpreter: &interpreter, stdlib: &parts.request.recipe.stdlib };
    bytecode::compile(compiler, &tree_in_guest, "the standard library", runtime, ctx)?;
    let zips = lib.join(pywasm_build::ZIP_DIR);
    fs_err::create_dir(&zips)?;
    let zip = zips.join(format!("python{}{}.zip", series.major, series.minor));
    stdlib::zip_tree(&tree, &zip, parts.built.inventory.has("zlib"))?;

    freeze_modules(parts, (&interpreter, &tree), &lib, runtime, ctx)?;

    let patch = pywasm_recipes::patch(parts.request.pin.series());
    licenses::collect(parts.source, patch, parts.libraries, parts.toolchain, root)?;
    let inventory = &parts.built.inventory;
    let sbom = sbom::document(
        parts.request,
        parts.key,
        parts.toolchain,
        parts.source,
        parts.libraries,
        inventory,
        parts.inputs,
    )?;
    write_json(&root.join("sbom.spdx.json"), &sbom)?;
    fs_err::write(
        root.join("pyo3-config.txt"),
        details::pyo3_config(parts.request, parts.final_root),
    )?;
    let (imports, libc_needs) = (&audit.imports, &audit.libc_needs);
    let contents = Contents { modules: inventory, libraries: parts.libraries, imports, libc_needs };
    Manifest::new(parts.request, parts.key, parts.toolchain, parts.inputs, contents, root)?
        .write(root)
}

/// Writes the library of frozen modules, if the recipe freezes any.
fn freeze_modules(
    parts: &Parts<'_>,
    (wasm, stdlib): (&Utf8Path, &Utf8Path),
    lib: &Utf8Path,
    runtime: &Runtime,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let recipe = parts.request.recipe;
    let modules = recipe.freeze.clone();
    let wanted = Wanted { modules, closed: recipe.closed, ..Wanted::default() };
    if wanted.is_empty() {
        return Ok(());
    }
    let series = parts.request.pin.series().to_string();
    let name = parts.final_root.file_name().unwrap_or_default();
    let interpreter = Interpreter { wasm, name, stdlib, series: &series };
    let frozen = freeze::collect(&wanted, interpreter, runtime, &ctx.store)
        .with_context(|| format!("`freeze` of recipe `{}`", recipe.name))?;
    ctx.reporter
        .status("Freezing", format!("{} modules of the standard library", frozen.modules.len()));
    let library = lib.join(format!("lib{}.a", pywasm_build::FROZEN_LIBRARY));
    fs_err::write(library, frozen.archive(lib)?)?;
    Ok(())
}

/// Copies `Include/` as `make install` does, and adds this build's `pyconfig.h`.
fn headers(parts: &Parts<'_>, into: &Utf8Path) -> anyhow::Result<()> {
    copy_headers(&parts.source.root().join("Include"), into)?;
    fs_err::copy(parts.built.dir.join("pyconfig.h"), into.join("pyconfig.h"))?;
    Ok(())
}

/// Copies the sysconfig data (two files since 3.14). Paths below the source tree or the build
/// directory, which is deleted later, are replaced with paths below `/usr/src`.
fn sysconfigdata(parts: &Parts<'_>, tree: &Utf8Path) -> anyhow::Result<()> {
    let dir =
        parts.built.sysconfigdata.parent().context("the sysconfig data has no parent directory")?;
    for entry in dir.read_dir_utf8()? {
        let entry = entry?;
        if entry.file_name().starts_with("_sysconfig") && entry.file_type()?.is_file() {
            let text = fs_err::read_to_string(entry.path())?
                .replace(parts.built.dir.as_str(), "/usr/src/build")
                .replace(parts.source.root().as_str(), "/usr/src/cpython");
            fs_err::write(tree.join(entry.file_name()), text)?;
        }
    }
    Ok(())
}
