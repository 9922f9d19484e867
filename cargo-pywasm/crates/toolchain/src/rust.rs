//! A Rust that can build for wasm32-wasip1, where the one at hand can't and rustup has no road:
//! the distribution's own, unpacked from its signed packages, with nothing installed.
//!
//! It comes whole, compiler and libraries of one version. Its programs are started through the
//! loader of the C library they were linked with, which may be newer than the machine's. That
//! library lies apart from the sysroot, because Cargo puts the sysroot's `lib` on the path of
//! everything it runs.

use std::process::Command;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::choice::choose_newest;
use super::{foreign, fresh, shims};
use crate::apt::{self, SuitePackages};
use pywasm_store::Bucket;
use pywasm_store::Ctx;

/// Shared libraries that the compiler and its linker run with beside those of C++.
const LIBRARIES: [&str; 5] =
    ["libLLVM.so.", "libffi.so.", "librustc_driver-", "libz.so.1", "libzstd.so.1"];

/// A Rust in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rust {
    /// Its directory.
    pub root: Utf8PathBuf,
}

impl Rust {
    /// The compiler.
    #[must_use]
    pub fn rustc(&self) -> Utf8PathBuf {
        self.root.join("bin/rustc")
    }

    /// The documentation tool, which runs doctests.
    #[must_use]
    pub fn rustdoc(&self) -> Utf8PathBuf {
        self.root.join("bin/rustdoc")
    }

    /// The newest in the store.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn installed(ctx: &Ctx) -> anyhow::Result<Option<Self>> {
        let mut keys = ctx.store.keys(Bucket::Toolchains)?;
        keys.retain(|key| key.starts_with("rust-"));
        Ok(keys.pop().map(|key| Self { root: ctx.store.entry(Bucket::Toolchains, &key) }))
    }

    /// Finds, fetches and unpacks the packages.
    ///
    /// # Errors
    /// When the machine has no such archives, they lack something, a file is not what its signed
    /// index says, or what comes out can't build.
    pub fn install(ctx: &Ctx) -> anyhow::Result<Self> {
        ctx.reporter.status("Resolving", "Rust in this machine's package archives");
        let what = "whole Rust of 1.85 or later for wasm32-wasip1";
        let rust = choose_newest(what, &apt::is_part_of_rust, apt::choose_rust, ctx)?;
        let root = ctx.store.entry(Bucket::Toolchains, &key(&rust));
        if root.exists() {
            return Ok(Self { root });
        }
        let debs = foreign::fetch_all(&rust, ctx)?;
        ctx.reporter.status("Unpacking", format!("Rust {}", rust.version));
        let stage = ctx.store.stage(Bucket::Toolchains)?;
        let tree = stage.path();
        foreign::unpack(&debs, tree, place)?;
        shims::make(&tree.join("host"), ctx)?;
        let loader = foreign::loader(tree)?;
        for program in ["rustc", "rustdoc"] {
            let args = format!("\"$root/host/bin/{program}\" --sysroot \"$root/sysroot\"");
            foreign::start_through(&loader, "/..", &args, &tree.join("bin").join(program))?;
        }
        let rustlib = tree.join("sysroot/lib/rustlib");
        let linker = rustlib.join(host(&rustlib)?).join("bin/rust-lld");
        foreign::start_through(&loader, "/../../../../..", "\"$root/host/bin/lld\"", &linker)?;
        prove(tree).context("the unpacked Rust does not work here")?;
        stage.commit(&root)?;
        Ok(Self { root })
    }
}

fn key(rust: &SuitePackages) -> String {
    format!("rust-{}-{}", rust.upstream(), foreign::digest(rust).short())
}

/// Where a package's file goes in the tree, if anywhere.
fn place(package: &str, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let text = path.as_str();
    if let Some(rest) = text.strip_prefix("usr/lib/rustlib/") {
        let wanted = package == "libstd-rust-dev" || rest.starts_with("wasm32-wasip1/");
        return wanted.then(|| format!("sysroot/lib/rustlib/{rest}").into());
    }
    if matches!(text, "usr/bin/rustc" | "usr/bin/rustdoc")
        || (text.starts_with("usr/lib/llvm-") && text.ends_with("/bin/lld"))
    {
        return Some(format!("host/bin/{}", path.file_name()?).into());
    }
    foreign::place(package, path, &LIBRARIES)
}

/// The host's triple, which names its directory.
fn host(rustlib: &Utf8Path) -> anyhow::Result<String> {
    for entry in rustlib.read_dir_utf8().with_context(|| format!("can't read `{rustlib}`"))? {
        let name = entry?.file_name().to_owned();
        if name.ends_with("-linux-gnu") {
            return Ok(name);
        }
    }
    anyhow::bail!("the packages have no library for this machine")
}

/// Compiles and links a program for the target.
fn prove(tree: &Utf8Path) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
    fs_err::write(dir.join("main.rs"), "fn main() { println!(\"{:?}\", std::env::args()); }\n")?;
    let rustc = tree.join("bin/rustc");
    let mut command = Command::new(&rustc);
    command.args(["--target", "wasm32-wasip1", "main.rs", "-o", "main.wasm"]).current_dir(&dir);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    let output = fresh::run(&mut command).with_context(|| format!("can't run `{rustc}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "`{rustc}` failed:\n{}", said.trim_end());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_its_libraries_and_those_of_two_targets_are_taken() {
        for (package, from, to) in [
            ("rustc", "usr/bin/rustc", "host/bin/rustc"),
            ("lld-22", "usr/lib/llvm-22/bin/lld", "host/bin/lld"),
            ("libc6", "usr/lib/x86_64-linux-gnu/libc.so.6", "host/lib/libc.so.6"),
            ("libc6", "lib/aarch64-linux-gnu/libm.so.6", "host/lib/libm.so.6"),
            (
                "libstd-rust-dev-wasm32",
                "usr/lib/rustlib/wasm32-wasip1/lib/self-contained/libc.a",
                "sysroot/lib/rustlib/wasm32-wasip1/lib/self-contained/libc.a",
            ),
            ("libc6", "usr/share/doc/libc6/copyright", "share/doc/libc6/copyright"),
        ] {
            assert_eq!(place(package, from.into()).unwrap(), to);
        }
        for (package, path) in [
            ("libstd-rust-dev-wasm32", "usr/lib/rustlib/wasm32-wasip2/lib/libstd.rlib"),
            ("libc6", "usr/lib/x86_64-linux-gnu/gconv/UTF-7.so"),
            ("libc6", "usr/lib/x86_64-linux-gnu/libresolv.so.2"),
            ("rustc", "usr/libexec/rust-analyzer-proc-macro-srv"),
        ] {
            assert_eq!(place(package, path.into()), None, "{path}");
        }
    }
}
