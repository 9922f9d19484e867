//! How PyO3 learns which Python the project embeds.
//!
//! The build script of `pyo3-ffi` reads the variable `PYO3_CONFIG_FILE`, but a variable applies to
//! all targets, so that nothing in the project could use the Python of the host any more: no test,
//! build script or procedural macro. For one target alone, Cargo can replace the build script by
//! its results, because `pyo3-ffi` has a `links` key.
//!
//! Sources: "Overriding Build Scripts" in Cargo's reference, and `InterpreterConfig` in the crate
//! pyo3-build-config.

use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::DIRECTORY;
use super::linked::PYO3_CONFIG;
use crate::config::Pyo3;

/// The value of the key `links` of `pyo3-ffi`.
const LINKS: &str = "python";
/// The key with which the build script of `pyo3-ffi` passes its configuration on.
const METADATA: &str = "PYO3_CONFIG";
/// The variable that versions of PyO3 before 0.30 need.
const VARIABLE: &str = "PYO3_CONFIG_FILE";
/// The oldest minor version of Python for which PyO3 ever had a `cfg`.
const OLDEST: u8 = 6;

/// Adds PyO3's settings for a Python with this minor version to the Cargo configuration of this
/// machine.
///
/// # Errors
/// When the project's copy of PyO3's configuration cannot be read.
pub(super) fn configure(
    document: &mut DocumentMut,
    pyo3: Pyo3,
    project: &Utf8Path,
    minor: u8,
) -> anyhow::Result<()> {
    let file = path(project);
    match pyo3 {
        Pyo3::Old => document["env"][VARIABLE] = value(file.into_string()),
        // A project can also use PyO3 through its dependencies. Without PyO3, the settings have no
        // effect.
        Pyo3::Current | Pyo3::Unused => {
            let mut script = Table::new();
            // The build script also detects features of the Rust compiler. PyO3 works without them.
            let cfgs = (OLDEST..=minor).map(|minor| format!("Py_3_{minor}"));
            script["rustc-cfg"] = value(cfgs.collect::<Array>());
            script[METADATA] = value(hex(&fs_err::read(file)?));
            let target = implicit(LINKS, script);
            document["target"] = Item::Table(implicit(pywasm_build::TARGET, target));
        }
    }
    Ok(())
}

/// Returns the path of PyO3's configuration in a project.
pub(super) fn path(project: &Utf8Path) -> Utf8PathBuf {
    project.join(DIRECTORY).join(PYO3_CONFIG)
}

/// Returns a table that contains only another table.
fn implicit(name: &str, inner: Table) -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table[name] = Item::Table(inner);
    table
}

/// Encodes bytes as `pyo3-build-config` does.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
