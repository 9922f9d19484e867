//! CPython 3.15, from whichever of its sources can be downloaded on this machine.

use std::path::{Path, PathBuf};

use xshell::cmd;

use crate::steps::Steps;
use crate::tool::{Tool, target};

/// The release candidate that is built if the pinned release is not available.
const FILE: &str = "Python-3.15.0rc2.tar.xz";
const SHA256: &str = "8d93af5eaaaea5adfd41bd786a7ba3f03f2ad1ab57c6a65e0b963deab91d5ad7";
/// Its path in Debian's archive, which keeps releases only for a while.
const IN_ARCHIVE: &str = "pool/main/p/python3.15/python3.15_3.15.0~rc2.orig.tar.xz";

/// Installs the recipe `full` for CPython 3.15. Returns `None`, with a row in the table of steps, if
/// no source is available.
pub(super) fn install(tool: &Tool<'_>, steps: &mut Steps) -> anyhow::Result<Option<PathBuf>> {
    let pinned =
        tool.call(&["install", "--python", "3.15", "--recipe", "full"]).ignore_status().output()?;
    let stderr = String::from_utf8_lossy(&pinned.stderr).into_owned();
    if pinned.status.success() {
        let path = PathBuf::from(String::from_utf8(pinned.stdout)?.trim_end());
        return steps.run("install full 3.15", || Ok(Some(path)));
    }
    if !stderr.contains(".tar.xz` could not be fetched") {
        return steps.run("install full 3.15", || anyhow::bail!("{stderr}"));
    }
    let Some(tarball) = download(tool) else {
        let reason = "neither the pinned release nor the release candidate can be downloaded";
        steps.run_unless(Some(reason.to_owned()), "install full 3.15", || Ok(()))?;
        return Ok(None);
    };
    let tarball = tarball.display().to_string();
    steps
        .run("install full 3.15, release candidate", || {
            tool.install(&["--source", &tarball, "--recipe", "full"])
        })
        .map(Some)
}

/// Downloads the release candidate from the package archives that this machine is configured to use.
fn download(tool: &Tool<'_>) -> Option<PathBuf> {
    let path = target().join(FILE);
    if is_candidate(tool, &path) {
        return Some(path);
    }
    let sites = cmd!(tool.shell(), "apt-get indextargets --format $(SITE)").read().ok()?;
    let found = sites.lines().any(|site| {
        let url = format!("{site}/{IN_ARCHIVE}");
        let helper = "/usr/lib/apt/apt-helper";
        cmd!(tool.shell(), "{helper} download-file {url} {path}").run().is_ok()
    });
    (found && is_candidate(tool, &path)).then_some(path)
}

fn is_candidate(tool: &Tool<'_>, path: &Path) -> bool {
    let sum = cmd!(tool.shell(), "sha256sum {path}").quiet().ignore_stderr().read();
    sum.is_ok_and(|line| line.starts_with(SHA256))
}
