//! Descriptions of the interpreter for other tools: `build-details.json` and PyO3's configuration.

use camino::Utf8Path;
use serde_json::json;

use super::request::Request;
use crate::build::Built;

/// Returns the content of `build-details.json` (PEP 739, schema version 1.0). The paths in it are
/// relative to the directory that contains the file.
pub(super) fn build_details(request: &Request<'_>, built: &Built) -> serde_json::Value {
    let version = request.pin.version;
    let series = version.series;
    let modules: Vec<&str> = built.inventory.builtin.iter().map(String::as_str).collect();
    json!({
        "schema_version": "1.0",
        "base_prefix": "..",
        "base_interpreter": "../bin/python.wasm",
        "platform": "wasi-wasm32",
        "language": {
            "version": series.to_string(),
            "version_info": {
                "major": series.major,
                "minor": series.minor,
                "micro": version.patch,
                "releaselevel": "final",
                "serial": 0,
            },
        },
        "implementation": {
            "name": "cpython",
            "cache_tag": format!("cpython-{}{}", series.major, series.minor),
            "version": {
                "major": series.major,
                "minor": series.minor,
                "micro": version.patch,
                "releaselevel": "final",
                "serial": 0,
            },
            "hexversion": hexversion(series.major, series.minor, version.patch),
            "_multiarch": "wasm32-wasi",
            "_builtin_modules": modules,
        },
        "abi": { "flags": [] },
        "suffixes": { "source": [".py"], "bytecode": [".pyc"], "extensions": [] },
        "libpython": { "static": format!("libpython{series}.a"), "link_extensions": false },
        "c_api": { "headers": format!("../include/python{series}") },
        "arbitrary_data": { "target": pywasm_build::TARGET },
    })
}

/// Returns `sys.hexversion` for a final release.
fn hexversion(major: u8, minor: u8, patch: u8) -> u32 {
    u32::from_be_bytes([major, minor, patch, 0xf0])
}

/// Returns the content of the file that PyO3's build script finds through `PYO3_CONFIG_FILE`. The
/// file has the same keys as `InterpreterConfig` in the crate pyo3-build-config.
pub(super) fn pyo3_config(request: &Request<'_>, root: &Utf8Path) -> String {
    let series = request.pin.series();
    let lib_dir = root.join("lib");
    format!(
        "implementation=CPython\nversion={series}\nshared=false\nabi3=false\n\
         lib_name=python{series}\nlib_dir={lib_dir}\npointer_width=32\nbuild_flags=\n\
         suppress_build_script_link_lines=false\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexversion_is_that_of_sys() {
        // In CPython 3.13.15, `hex(sys.hexversion)` is '0x30d0ff0'.
        assert_eq!(hexversion(3, 13, 15), 0x030d_0ff0);
    }
}
