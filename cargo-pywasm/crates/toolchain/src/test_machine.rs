//! A local directory that serves as upstream in download tests.

use std::io::Write;

use camino::Utf8Path;
use pywasm_recipes::Artifact;

use pywasm_session::Reporter;
use pywasm_session::variables::{PYWASM_APT_SOURCES, PYWASM_UPSTREAM};
use pywasm_store::Ctx;

/// Returns an archive that contains these files (path, content, mode) in the directory `top`.
pub(super) fn archive(top: &str, files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, body, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_size(body.len() as u64);
        builder.append_data(&mut header, format!("{top}/{name}"), body.as_bytes()).unwrap();
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&builder.into_inner().unwrap()).unwrap();
    packed.finish().unwrap()
}

/// Returns the context of a machine whose upstream is the directory that [`publish`] writes to, and
/// that has no package sources.
pub(super) fn machine(root: &Utf8Path) -> Ctx {
    let base = format!("file://{root}/up");
    let variables = [(PYWASM_UPSTREAM, base.as_str()), (PYWASM_APT_SOURCES, "/nowhere")];
    Ctx { offline: false, ..Ctx::for_tests(root, &variables) }
}

/// Returns an error as the text that the user would see.
pub(super) fn printed(error: &anyhow::Error) -> String {
    let reporter = Reporter::captured();
    reporter.error(error);
    reporter.lines().join("\n")
}

/// Writes these bytes to the upstream location of an artifact.
pub(super) fn publish(root: &Utf8Path, artifact: &Artifact, bytes: &[u8]) {
    let path = root.join("up").join(artifact.url.trim_start_matches("https://"));
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, bytes).unwrap();
}
