//! `audit.json`: a report on the undefined symbols, imports and stubs of an installation.

use std::collections::BTreeSet;

use anyhow::Context;
use camino::Utf8Path;
use pywasm_recipes::Recipe;
use pywasm_stubs::Link;
use serde_json::json;

use pywasm_audit::report::{self, Audited};
use pywasm_audit::{self as audit, DEFAULT, Given, Policy};
use pywasm_toolchain::Toolchain;
use pywasm_wasm::Module;

/// The audit of an installation.
#[derive(Debug)]
pub(super) struct Audit {
    /// The symbols that libpython takes from libc. Only a libc that defines all of these symbols
    /// can replace the installation's libc.
    pub(super) libc_needs: BTreeSet<String>,
    /// The interpreter's wasm imports as `module.name`, sorted.
    pub(super) imports: Vec<String>,
    report: serde_json::Value,
}

/// The audited files of an installation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) toolchain: &'a Toolchain,
    pub(super) libpython: &'a Utf8Path,
    pub(super) stubs: Option<&'a Utf8Path>,
    pub(super) interpreter: &'a Utf8Path,
}

/// Audits the interpreter and a [`Link`] that includes all members of libpython and the members of
/// libc that they need.
///
/// Undefined symbols must be found here, because versions of Rust before 1.96 do not report them
/// when they link a program. The linker turns an undefined function into an import that no host
/// provides, and an undefined variable into address 0.
///
/// # Errors
/// When a file cannot be read, a symbol of libpython is undefined, or the interpreter has an import
/// that is not part of WASI preview 1.
pub(super) fn audit(product: &Product<'_>) -> anyhow::Result<Audit> {
    let policy = Policy::load(DEFAULT, "".into())?;
    let mut link = Link::new();
    link.whole_archive(name(product.libpython), &fs_err::read(product.libpython)?)?;
    let builtins = product.toolchain.builtins()?;
    link.archive(name(&builtins), &fs_err::read(&builtins)?)?;
    if let Some(stubs) = product.stubs {
        link.archive(name(stubs), &fs_err::read(stubs)?)?;
    }
    let libc_needs = link.undefined().into_iter().map(|symbol| symbol.name).collect();
    for name in ["libc.a", "libm.a"] {
        link.archive(name, &fs_err::read(product.toolchain.lib_dir().join(name))?)?;
    }
    let findings = audit::link(&link.closure(), &policy);
    let library = Audited::new(name(product.libpython), &policy.name, findings);

    let bytes = fs_err::read(product.interpreter)?;
    let module = Module::read(&bytes)
        .with_context(|| format!("`{}` is not a wasm module", product.interpreter))?;
    let found = audit::module(&module, Given::default(), &policy)?;
    let interpreter = Audited::new(name(product.interpreter), &policy.name, found);
    let mut imports: Vec<String> =
        module.imports.iter().map(|import| format!("{}.{}", import.module, import.name)).collect();
    imports.sort();

    let both = [library, interpreter];
    if both.iter().any(|one| !one.findings.is_empty()) {
        let all = report::Style { all: true, colour: false };
        let text = report::report(&both, report::Format::Human, all);
        anyhow::bail!(
            "the new libpython has undefined symbols:\n{text}declare stubs for these symbols in \
             the recipe's `[stubs]` table"
        );
    }
    let mut report = report::document(&both);
    report["stubs"] = json!(product.recipe.stubs);
    Ok(Audit { libc_needs, imports, report })
}

impl Audit {
    /// Writes `audit.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, root: &Utf8Path) -> anyhow::Result<()> {
        super::write_json(&root.join("audit.json"), &self.report)
    }
}

fn name(path: &Utf8Path) -> &str {
    path.file_name().unwrap_or(path.as_str())
}
