//! The choice of a Rust toolchain for a project on this machine.
//!
//! These toolchains are tried in order, and the first one that has the target is used: the user's
//! toolchain, the user's toolchain after `rustup target add`, and a complete toolchain from the
//! distribution's package archives. The target's standard library always comes from the same build
//! as the compiler.

use std::process::Command;

use anyhow::Context;
use camino::Utf8Path;

use super::local;
use pywasm_session::WithHint;
use pywasm_session::variables::RUSTC;
use pywasm_store::Ctx;
use pywasm_toolchain::Rust;

/// Returns the toolchain to use instead of the user's, or `None` if the user's toolchain has the
/// target.
///
/// # Errors
/// When no toolchain with the target can be found or installed.
pub(super) fn choose(project: &Utf8Path, ctx: &Ctx) -> anyhow::Result<Option<Rust>> {
    if has_target(project, ctx) {
        return Ok(None);
    }
    // The project already uses the toolchain in the store, because rustup failed before. Trying
    // rustup again could take a long time.
    if let Some(rust) = Rust::installed(ctx)?
        && fs_err::read_to_string(local::path(project))
            .is_ok_and(|text| text.contains(rust.rustc().as_str()))
    {
        return Ok(Some(rust));
    }
    let reason = match add_target(project, ctx) {
        Ok(()) if has_target(project, ctx) => return Ok(None),
        Ok(()) => {
            "rustup added the target, but the `rustc` in use does not come from rustup".to_owned()
        }
        Err(reason) => reason,
    };
    ctx.reporter.note(format!(
        "the current Rust toolchain cannot build for {}: {reason}",
        pywasm_build::TARGET
    ));
    let rust = match Rust::installed(ctx)? {
        Some(rust) => Ok(rust),
        None if ctx.offline => {
            Err(anyhow::anyhow!("the store contains no Rust toolchain, and --offline is set"))
        }
        None => Rust::install(ctx),
    };
    let rust = rust
        .with_context(|| format!("no Rust toolchain can build for {}", pywasm_build::TARGET))
        .hint(|| {
            "`rustup target add wasm32-wasip1` adds the target; `cargo pywasm toolchain rust` \
             installs a toolchain from Debian's archives"
                .to_owned()
        })?;
    ctx.reporter.status("Using", rust.rustc());
    Ok(Some(rust))
}

/// Adds the target with rustup.
///
/// # Errors
/// When rustup is missing, must not be used, or fails. The error is the reason, as text.
fn add_target(project: &Utf8Path, ctx: &Ctx) -> Result<(), String> {
    if ctx.env.path(RUSTC).is_some() {
        return Err("RUSTC is set to a compiler that may not come from rustup".to_owned());
    }
    if ctx.offline {
        return Err("--offline is set".to_owned());
    }
    let rustup = ctx.env.program("rustup").ok_or("rustup is not installed")?;
    ctx.reporter.status("Adding", format!("{} with rustup", pywasm_build::TARGET));
    let output = Command::new(&rustup)
        .args(["target", "add", pywasm_build::TARGET])
        .current_dir(project)
        .output()
        .map_err(|error| format!("cannot run `{rustup}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = stderr.lines().find(|line| line.contains("error")).or(stderr.lines().next_back());
    Err(format!(
        "rustup cannot add the target ({})",
        line.unwrap_or("it printed no message").trim()
    ))
}

/// Returns true if the toolchain that Cargo uses in this directory has the target.
fn has_target(project: &Utf8Path, ctx: &Ctx) -> bool {
    let rustc = ctx.env.path(RUSTC).or_else(|| ctx.env.program("rustc"));
    let Some(rustc) = rustc else { return false };
    // The environment is inherited, because rustup's `rustc` uses it to select the toolchain.
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir", "--target", pywasm_build::TARGET]);
    command.current_dir(project).output().is_ok_and(|output| {
        let dir = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        output.status.success() && Utf8Path::new(&dir).join("self-contained/libc.a").is_file()
    })
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;
    use pywasm_session::hint_of;
    use pywasm_store::Bucket;

    fn ctx(root: &Utf8Path, variables: &[(&str, &str)]) -> Ctx {
        Ctx {
            offline: variables.iter().any(|(name, _)| *name == "RUSTC"),
            ..Ctx::for_tests(root, variables)
        }
    }

    fn program(path: &Utf8Path, script: &str) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs_err::set_permissions(path, mode).unwrap();
    }

    fn scratch() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        (dir, root)
    }

    #[test]
    fn toolchain_of_the_store_replaces_one_without_the_target() {
        let (_dir, root) = scratch();
        let lacking = ctx(&root, &[("RUSTC", "/nowhere/rustc")]);
        let error = choose(&root, &lacking).unwrap_err();
        assert!(hint_of(&error).is_some_and(|hint| hint.contains("toolchain rust")), "{error:#}");

        let key = "rust-1.97.1-00000000";
        fs_err::create_dir_all(lacking.store.entry(Bucket::Toolchains, key)).unwrap();
        let rust = choose(&root, &lacking).unwrap().unwrap();
        assert!(rust.rustc().ends_with(format!("{key}/bin/rustc")), "{rust:?}");
    }

    #[test]
    fn rustup_is_tried_first() {
        let (_dir, root) = scratch();
        let lib = root.join("lib");
        program(&root.join("bin/rustc"), &format!("echo '{lib}'"));
        let script =
            format!("mkdir -p '{lib}/self-contained' && : > '{lib}/self-contained/libc.a'");
        program(
            &root.join("bin/rustup"),
            &format!("PATH=/usr/bin:/bin; {script}; echo $* > '{root}/asked'"),
        );
        let ctx = ctx(&root, &[("PATH", root.join("bin").as_str())]);
        assert_eq!(choose(&root, &ctx).unwrap(), None);
        let arguments = fs_err::read_to_string(root.join("asked")).unwrap();
        assert_eq!(arguments, "target add wasm32-wasip1\n");
        fs_err::remove_file(root.join("asked")).unwrap();
        assert_eq!(choose(&root, &ctx).unwrap(), None);
        assert!(!root.join("asked").exists());
    }

    #[test]
    fn error_of_rustup_is_reported() {
        let (_dir, root) = scratch();
        program(
            &root.join("bin/rustup"),
            "echo 'info: downloading' >&2; echo 'error: no network' >&2; exit 1",
        );
        let ctx = ctx(&root, &[("PATH", root.join("bin").as_str())]);
        let reason = add_target(&root, &ctx).unwrap_err();
        assert_eq!(reason, "rustup cannot add the target (error: no network)");
    }
}
