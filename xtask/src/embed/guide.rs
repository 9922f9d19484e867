//! Runs the shell commands in the guide, block by block.

use crate::tool::{Tool, root};

/// Runs the commands on the page about embedding. The first block runs in an empty directory.
/// Each of the other blocks runs in a new crate, which plain Cargo and the tool must then build,
/// run and test.
pub(crate) fn embedding(tool: &Tool<'_>) -> anyhow::Result<()> {
    for (index, block) in blocks("docs/guide/embedding.md")?.iter().enumerate() {
        let scratch = tempfile::tempdir()?;
        let scratch = scratch.path();
        if index == 0 {
            tool.script(scratch, block)?;
            continue;
        }
        tool.cargo(scratch, &["new", "--quiet", "mine"])?;
        let dir = scratch.join("mine");
        tool.script(&dir, block)?;
        for verb in ["build", "run", "test"] {
            tool.cargo(&dir, &[verb, "--quiet"])?;
            tool.call_in(&dir, &[verb, "--quiet"])?;
        }
    }
    Ok(())
}

/// Runs the commands on the page about canisters, each block in an empty directory.
pub(crate) fn canisters(tool: &Tool<'_>) -> anyhow::Result<()> {
    for block in blocks("docs/guide/canisters.md")? {
        let scratch = tempfile::tempdir()?;
        // The guide uses the default target directory, but these tests build all crates into one
        // shared directory.
        let target = root().join("target/embed/pywasm").display().to_string();
        tool.script(scratch.path(), &block.replace("target/pywasm", &target))?;
    }
    Ok(())
}

/// Returns the blocks of shell commands on a page.
fn blocks(page: &str) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(root().join(page))?;
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<String> = blocks.map(str::to_owned).collect();
    anyhow::ensure!(!blocks.is_empty(), "`{page}` has no commands");
    Ok(blocks)
}
