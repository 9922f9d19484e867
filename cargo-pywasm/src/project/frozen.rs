//! Python code and files that an installation's interpreter compiles.

use pywasm_build::Installation;
use pywasm_cpython::freeze::{Frozen, Interpreter, Wanted, Wheel, collect};
use pywasm_packages::Installed;
use pywasm_runtime::Runtime;
use pywasm_store::Ctx;

use crate::installed::{name_of, utf8};

/// Compiles the modules and packages, and everything that they import.
///
/// # Errors
/// When a module or package cannot be found or compiled.
pub(crate) fn frozen(wanted: &Wanted, python: &Installation, ctx: &Ctx) -> anyhow::Result<Frozen> {
    let (wasm, stdlib) = (utf8(python.python_wasm())?, utf8(python.stdlib())?);
    let (name, series) = (&name_of(python), python.series());
    let interpreter = Interpreter { wasm: &wasm, name, stdlib: &stdlib, series };
    collect(wanted, interpreter, &Runtime::new(ctx)?, &ctx.store)
}

/// Returns the packages as input for [`frozen`].
pub(crate) fn wheels(packages: &[Installed]) -> Vec<Wheel> {
    let wheel = |it: &Installed| Wheel { name: it.chosen.name.to_string(), root: it.root.clone() };
    packages.iter().map(wheel).collect()
}
