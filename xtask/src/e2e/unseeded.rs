//! Tests that builds are reproducible. A build with a seed (recorded results of `configure`) must
//! produce the same bytes as a build without a seed in another store, where `configure` runs all of
//! its checks.

use std::path::Path;

use anyhow::Context;

use crate::tool::Tool;

/// Builds the recipe `full` without a seed and without reusing objects. Checks that `pyconfig.h`
/// and all files that are linked or run are the same as in the seeded build.
pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let other_store = tool.store().with_extension("unseeded");
    if other_store.exists() {
        std::fs::remove_dir_all(&other_store)?;
    }
    std::fs::create_dir_all(other_store.join("cache"))?;
    // The stores share downloads and the toolchain. They do not share sources and builds, so the
    // paths of the two builds differ.
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
    for (name, file) in seeded.as_object().context("the manifest lists no files")? {
        // The sysconfig data in the zip contains the toolchain's path, so the zip differs.
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
