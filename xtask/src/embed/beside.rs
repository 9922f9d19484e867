//! Tests what a project does besides embedding Python: C code in dependencies, and other targets.

use std::path::Path;

use xshell::cmd;

use super::{compiles_nothing, edit};
use crate::tool::Tool;

/// A dependency whose build script compiles C code.
const MANIFEST: &str = "[package]\nname = \"native\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
    [build-dependencies]\ncc = \"1\"\n\n[workspace]\n";
const BUILD: &str =
    "fn main() {\n    cc::Build::new().file(\"length.c\").compile(\"length\");\n}\n";
const C: &str =
    "#include <string.h>\nunsigned long length(const char *text) { return strlen(text); }\n";

/// Adds the dependency to a new crate, builds the crate with plain Cargo and with this tool, and
/// checks the crate for the host, with the Python of the host. In the end, nothing is compiled again.
pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    tool.call_in(scratch.path(), &["new", "--template", "reactor", "beside"])?;
    let dir = scratch.path().join("beside");
    write_dependency(&dir.join("native"))?;
    let dependency = "[dependencies]\nnative = { path = \"native\" }\n";
    edit(&dir.join("Cargo.toml"), "[dependencies]\n", dependency)?;
    tool.cargo(&dir, &["build", "--quiet"])?;
    let host = cmd!(tool.shell(), "rustc --print host-tuple").quiet().read()?;
    tool.cargo(&dir, &["check", "--quiet", "--all-targets", "--target", &host])?;
    tool.call_in(&dir, &["build", "--quiet"])?;
    tool.call_in(&dir, &["test", "--no-run", "--quiet"])?;
    compiles_nothing(tool, &dir)
}

fn write_dependency(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir.join("src"))?;
    let lib = "unsafe extern \"C\" {\n    pub fn length(text: *const u8) -> usize;\n}\n";
    for (name, text) in
        [("Cargo.toml", MANIFEST), ("build.rs", BUILD), ("length.c", C), ("src/lib.rs", lib)]
    {
        std::fs::write(dir.join(name), text)?;
    }
    Ok(())
}
