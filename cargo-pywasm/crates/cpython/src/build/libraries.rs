//! Connects CPython's build to the C libraries.
//!
//! The build directory contains copies of the libraries, so that the build uses relative paths and its
//! result does not depend on the path of the store.

use camino::Utf8Path;

use crate::headers::copy_headers;
use crate::libraries::Compiled;

/// The directory of the copies in the build directory.
const DIR: &str = "pywasm-libraries";

/// Copies the libraries into a build directory.
pub(super) fn copy(libraries: &[Compiled], build: &Utf8Path) -> anyhow::Result<()> {
    for one in libraries {
        let dir = build.join(DIR).join(&one.library.name);
        copy_headers(&one.headers, &dir.join("include"))?;
        fs_err::copy(&one.archive, dir.join(&one.library.archive))?;
    }
    Ok(())
}

/// Returns the variables with which configure finds a library, so that it does not search for it.
pub(super) fn variables(one: &Compiled) -> [(String, String); 2] {
    let (prefix, dir) = (&one.library.configure, format!("{DIR}/{}", one.library.name));
    [
        (format!("{prefix}_CFLAGS"), format!("-I{dir}/include")),
        (format!("{prefix}_LIBS"), format!("{dir}/{}", one.library.archive)),
    ]
}

/// Returns the lines of the site file for the checks that configure runs in spite of the variables.
pub(super) fn answers(one: &Compiled) -> String {
    one.library.answers.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}
