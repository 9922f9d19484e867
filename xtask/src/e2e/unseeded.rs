//! Tests that builds are reproducible: a build in another store, with configure's own answers,
//! produces the same bytes as a build with a seed.

use std::path::Path;

use anyhow::Context;

use crate::tool::Tool;

/// Builds `full` without a seed and without objects to reuse. Compares `pyconfig.h` and the digests
/// of all files that are linked or run with those of the seeded build.
pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let other_store = tool.store().with_extension("unseeded");
    if other_store.exists() {
        std::fs::remove_dir_all(&other_store)?;
    }
    std::fs::create_dir_all(other_store.join("cache"))?;
    // The downloads and the toolchain are shared. Sources and builds are not, so they have other
    // paths.
    for bucket in ["downloads-v0", "toolchains-v0"] {
        std::os::unix::fs::symlink(
            tool.store().join("cache").join(bucket),
            other_store.join("cache").join(bucket),
        )?;
    }
    let seeded = tool.install(&["--recipe", "full"])?;
    let args = ["--recipe", "full", "--no-seed"];
    let unseeded = tool.with_store(&other_store).install(&args)?;
    let header = |root: &Path| std::fs::read(root.join("include/python3.13/pyconfig.h"));
    anyhow::ensure!(header(&seeded)? == header(&unseeded)?, "pyconfig.h differs without the seed");
    let (seeded, unseeded) = (files(&seeded)?, files(&unseeded)?);
    for (name, file) in seeded.as_object().context("no files in the manifest")? {
        // The zip differs: its sysconfig data contains the path of the toolchain.
        if !name.ends_with(".zip") {
            anyhow::ensure!(*file == unseeded[name], "`{name}` differs without the seed");
        }
    }
    std::fs::remove_dir_all(&other_store)?;
    Ok(())
}

fn files(root: &Path) -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string(root.join("manifest.json"))?;
    Ok(serde_json::from_str::<serde_json::Value>(&text)?["files"].take())
}
