//! Workspaces that are separate from this one, but share its compiled dependencies.

use std::path::Path;

use anyhow::Context;
use xshell::{Cmd, Shell, cmd};

use super::Profile;
use crate::tool::{root, target};

/// Returns the command `cargo check ARGS` for a separate workspace. It uses the profiles and the
/// target directory of this workspace, so that dependencies with the same version and features are
/// compiled only once.
pub(crate) fn check<'a>(
    shell: &'a Shell,
    manifest: &Path,
    args: &[&str],
    profile: Profile,
) -> anyhow::Result<Cmd<'a>> {
    let own: toml::Table = std::fs::read_to_string(root().join("Cargo.toml"))?.parse()?;
    let profiles = own.get("profile").context("the workspace has no profiles")?;
    let config = target().join("profiles.toml");
    let text =
        toml::to_string(&toml::Table::from_iter([("profile".to_owned(), profiles.clone())]))?;
    std::fs::create_dir_all(target())?;
    std::fs::write(&config, text)?;
    let profile = profile.name();
    let command = cmd!(
        shell,
        "cargo check --quiet --profile {profile} --config {config} --manifest-path {manifest} {args...}"
    );
    Ok(command.env("CARGO_TARGET_DIR", target()))
}
