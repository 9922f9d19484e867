//! Which Rust a project is built with on this machine.
//!
//! The one at hand, if it can build for the target; else the same one after `rustup target add`;
//! else one from the machine's package archives, whole: a library is never added to a compiler
//! that it was not made with.

use std::process::Command;

use anyhow::Context;
use camino::Utf8Path;

use super::local;
use pywasm_session::WithHint;
use pywasm_session::variables::RUSTC;
use pywasm_store::Ctx;
use pywasm_toolchain::Rust;

/// The Rust to use instead of the user's; `None` when that one can build for the target.
///
/// # Errors
/// When there is no road to one that can.
pub(super) fn choose(project: &Utf8Path, ctx: &Ctx) -> anyhow::Result<Option<Rust>> {
    if has_target(project, ctx) {
        return Ok(None);
    }
    // rustup may take long to say no; it was asked when the project got this Rust.
    if let Some(rust) = Rust::installed(ctx)?
        && fs_err::read_to_string(local::path(project))
            .is_ok_and(|text| text.contains(rust.rustc().as_str()))
    {
        return Ok(Some(rust));
    }
    let reason = match add_target(project, ctx) {
        Ok(()) if has_target(project, ctx) => return Ok(None),
        Ok(()) => "rustup has it, but the `rustc` in use is not rustup's".to_owned(),
        Err(reason) => reason,
    };
    ctx.reporter.note(format!("this Rust can't build for {}: {reason}", pywasm_build::TARGET));
    let rust = match Rust::installed(ctx)? {
        Some(rust) => Ok(rust),
        None if ctx.offline => Err(anyhow::anyhow!("the store has none, and --offline is set")),
        None => Rust::install(ctx),
    };
    let rust = rust
        .with_context(|| format!("no Rust here can build for {}", pywasm_build::TARGET))
        .hint(|| {
            "`rustup target add wasm32-wasip1` adds it to yours, `cargo pywasm toolchain rust` \
             gets one from Debian's archives"
                .to_owned()
        })?;
    ctx.reporter.status("Using", rust.rustc());
    Ok(Some(rust))
}

/// Asks rustup for the target; the reason why that is not possible.
fn add_target(project: &Utf8Path, ctx: &Ctx) -> Result<(), String> {
    if ctx.env.path(RUSTC).is_some() {
        return Err("RUSTC names a compiler that rustup may not know".to_owned());
    }
    if ctx.offline {
        return Err("--offline is set".to_owned());
    }
    let rustup = ctx.env.program("rustup").ok_or("there is no rustup to add it")?;
    ctx.reporter.status("Adding", format!("{} to this Rust with rustup", pywasm_build::TARGET));
    let output = Command::new(&rustup)
        .args(["target", "add", pywasm_build::TARGET])
        .current_dir(project)
        .output()
        .map_err(|error| format!("`{rustup}` can't be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| line.contains("error")).or(said.lines().next_back());
    Err(format!("rustup has no road to it ({})", line.unwrap_or("it said nothing").trim()))
}

/// Whether the Rust that Cargo takes in this directory can build for the target.
fn has_target(project: &Utf8Path, ctx: &Ctx) -> bool {
    let rustc = ctx.env.path(RUSTC).or_else(|| ctx.env.program("rustc"));
    let Some(rustc) = rustc else { return false };
    // rustup's proxy needs the user's environment to know which toolchain is meant.
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
    fn a_rust_without_the_target_is_replaced_by_that_of_the_store() {
        let (_dir, root) = scratch();
        let lacking = ctx(&root, &[("RUSTC", "/nowhere/rustc")]);
        let error = choose(&root, &lacking).unwrap_err();
        assert!(format!("{error:#}").contains("toolchain rust"), "{error:#}");

        let key = "rust-1.97.1-00000000";
        fs_err::create_dir_all(lacking.store.entry(Bucket::Toolchains, key)).unwrap();
        let rust = choose(&root, &lacking).unwrap().unwrap();
        assert!(rust.rustc().ends_with(format!("{key}/bin/rustc")), "{rust:?}");
    }

    #[test]
    fn rustup_is_asked_first_and_a_rust_with_the_target_is_left_alone() {
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
        let asked = fs_err::read_to_string(root.join("asked")).unwrap();
        assert_eq!(asked, "target add wasm32-wasip1\n");
        fs_err::remove_file(root.join("asked")).unwrap();
        assert_eq!(choose(&root, &ctx).unwrap(), None);
        assert!(!root.join("asked").exists());
    }

    #[test]
    fn what_rustup_says_is_told_when_it_has_no_road() {
        let (_dir, root) = scratch();
        program(
            &root.join("bin/rustup"),
            "echo 'info: downloading' >&2; echo 'error: no road' >&2; exit 1",
        );
        let ctx = ctx(&root, &[("PATH", root.join("bin").as_str())]);
        let reason = add_target(&root, &ctx).unwrap_err();
        assert_eq!(reason, "rustup has no road to it (error: no road)");
    }
}
