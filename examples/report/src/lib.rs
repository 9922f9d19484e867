//! Renders a report with Python. The packages jinja2, rich and tzdata are part of the module, together
//! with their data.
//!
//! A host of the reactor calls [`input`], writes the JSON to the returned address, calls [`render`], and
//! reads the page at the address that [`output`] returns.

use std::sync::Mutex;

use pyo3::prelude::*;

static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The result of [`render`] if the input is not valid.
pub const FAILED: i32 = -1;

/// Returns the page for a report in JSON.
///
/// # Errors
/// When the text is not a report.
pub fn page(json: &str) -> PyResult<String> {
    call("page", json)
}

/// Returns a summary of a report in JSON for a terminal.
///
/// # Errors
/// When the text is not a report.
pub fn summary(json: &str) -> PyResult<String> {
    call("summary", json)
}

fn call(function: &str, json: &str) -> PyResult<String> {
    Python::initialize();
    Python::attach(|py| py.import("report")?.getattr(function)?.call1((json,))?.extract())
}

/// Provides space for an input of `size` bytes, and returns its address.
#[unsafe(no_mangle)]
pub extern "C" fn input(size: usize) -> *mut u8 {
    let Ok(mut input) = INPUT.lock() else { return std::ptr::null_mut() };
    *input = vec![0; size];
    input.as_mut_ptr()
}

/// Renders the page for the input. Returns the size of the page, or [`FAILED`].
#[unsafe(no_mangle)]
pub extern "C" fn render() -> i32 {
    let json = INPUT.lock().map(|input| String::from_utf8_lossy(&input).into_owned());
    let rendered = json.ok().and_then(|json| {
        let result = page(&json);
        result.inspect_err(|error| Python::attach(|py| error.print(py))).ok()
    });
    let (Some(page), Ok(mut output)) = (rendered, OUTPUT.lock()) else { return FAILED };
    *output = page.into_bytes();
    i32::try_from(output.len()).unwrap_or(FAILED)
}

/// Returns the address of the page.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    OUTPUT.lock().map_or(std::ptr::null(), |output| output.as_ptr())
}
