//! The environment in which markers are evaluated: CPython on WASI.

use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};
use pywasm_recipes::PatchVersion;

/// Returns the values of the marker variables, as Python's own modules `os`, `sys` and `platform`
/// report them on WASI.
///
/// # Errors
/// Never for a version of CPython.
pub(crate) fn environment(python: PatchVersion) -> anyhow::Result<MarkerEnvironment> {
    let (full, series) = (python.to_string(), python.series.to_string());
    Ok(MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: &full,
        os_name: "posix",
        platform_machine: "wasm32",
        platform_python_implementation: "CPython",
        platform_release: "0.0.0",
        platform_system: "wasi",
        platform_version: "0.0.0",
        python_full_version: &full,
        python_version: &series,
        sys_platform: "wasi",
    })?)
}
