//! Which Rust a project is built with on this machine: `.pywasm/cargo.toml`, which the project's
//! own Cargo configuration includes.
//!
//! A Rust that can build for the target is left alone; a library is never added to one.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::DIRECTORY;
use super::linked::replace;
use crate::ctx::Ctx;
use crate::toolchain::Rust;

/// The file's name.
const FILE: &str = "cargo.toml";

/// Points the project at the Rust in the store, when the one at hand has no wasm32-wasip1.
///
/// # Errors
/// When the store can't be read or the project can't be written.
pub fn choose_rust(project: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    let file = project.join(DIRECTORY).join(FILE);
    if has_target(project, ctx) {
        return match fs_err::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        };
    }
    let Some(rust) = Rust::installed(ctx)? else {
        ctx.reporter.warn(
            "this Rust can't build for wasm32-wasip1; `rustup target add wasm32-wasip1`, or where \
             that has no road, `cargo pywasm toolchain rust` and this command again",
        );
        return Ok(());
    };
    if replace(&file, &text(&rust))? {
        ctx.reporter.status("Using", rust.rustc());
    }
    Ok(())
}

fn text(rust: &Rust) -> String {
    // JSON's strings are TOML's.
    let quoted = |path: Utf8PathBuf| serde_json::Value::from(path.into_string()).to_string();
    format!(
        "# Of this machine: written by `cargo pywasm`.\n[build]\nrustc = {}\nrustdoc = {}\n",
        quoted(rust.rustc()),
        quoted(rust.rustdoc())
    )
}

/// Whether the Rust that Cargo takes in this directory can build for the target.
fn has_target(project: &Utf8Path, ctx: &Ctx) -> bool {
    let rustc = ctx.env.path("RUSTC").or_else(|| ctx.env.program("rustc"));
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
    use super::*;
    use crate::env::Environment;
    use crate::reporter::Reporter;
    use crate::store::Store;

    fn ctx(root: &Utf8Path, rustc: &str) -> Ctx {
        Ctx {
            env: Environment::of(&[("RUSTC", rustc)]),
            store: Store::at(&root.join("store")),
            reporter: Reporter::captured(),
            offline: true,
            jobs: Ctx::default_jobs(),
            cwd: root.to_owned(),
        }
    }

    #[test]
    fn a_rust_without_the_target_is_replaced_by_that_of_the_store_and_then_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        let file = root.join(".pywasm/cargo.toml");
        fs_err::create_dir(root.join(".pywasm")).unwrap();
        let lacking = ctx(&root, "/nowhere/rustc");

        choose_rust(&root, &lacking).unwrap();
        assert!(!file.exists());
        assert!(lacking.reporter.lines().join("\n").contains("toolchain rust"));

        let key = "rust-1.97.1-00000000";
        fs_err::create_dir_all(lacking.store.entry(crate::store::Bucket::Toolchains, key)).unwrap();
        choose_rust(&root, &lacking).unwrap();
        let text = fs_err::read_to_string(&file).unwrap();
        assert!(text.contains(&format!("{key}/bin/rustc\"")), "{text}");

        // A rustc that has the target says where its libraries lie.
        fs_err::create_dir_all(root.join("lib/self-contained")).unwrap();
        fs_err::write(root.join("lib/self-contained/libc.a"), "").unwrap();
        let rustc = root.join("rustc");
        fs_err::write(&rustc, format!("#!/bin/sh\necho '{}'\n", root.join("lib"))).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs_err::set_permissions(&rustc, mode).unwrap();
        choose_rust(&root, &ctx(&root, rustc.as_str())).unwrap();
        assert!(!file.exists());
    }
}
