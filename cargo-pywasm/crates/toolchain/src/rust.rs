//! A Rust toolchain for wasm32-wasip1 from the distribution's signed packages, for machines where
//! rustup cannot add the target.
//!
//! The toolchain contains both the compiler and the libraries, so their versions match. Its
//! programs are started through the loader of the C library that they were linked with. That
//! library is not in the sysroot, because Cargo adds the sysroot's `lib` to the library path of
//! everything it runs.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_store::{Bucket, Ctx};

use super::run::call;
use super::survey::choose_newest;
use super::{bundle, shims};
use crate::apt::{self, SuitePackages};

/// The shared libraries, other than those of C++, that the compiler and its linker need.
const LIBRARIES: [&str; 5] =
    ["libLLVM.so.", "libffi.so.", "librustc_driver-", "libz.so.1", "libzstd.so.1"];

/// A Rust toolchain in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rust {
    /// Its directory.
    pub root: Utf8PathBuf,
}

impl Rust {
    /// Returns the path of the compiler.
    #[must_use]
    pub fn rustc(&self) -> Utf8PathBuf {
        self.root.join("bin/rustc")
    }

    /// Returns the path of rustdoc, which runs doctests.
    #[must_use]
    pub fn rustdoc(&self) -> Utf8PathBuf {
        self.root.join("bin/rustdoc")
    }

    /// Returns the newest Rust toolchain in the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn installed(ctx: &Ctx) -> anyhow::Result<Option<Self>> {
        let mut keys = ctx.store.keys(Bucket::Toolchains)?;
        keys.retain(|key| key.starts_with("rust-"));
        Ok(keys.pop().map(|key| Self { root: ctx.store.entry(Bucket::Toolchains, &key) }))
    }

    /// Selects, fetches and unpacks the packages.
    ///
    /// # Errors
    /// When the machine has no package archives, when they do not contain a required package, when
    /// a file's digest differs from the one in the signed index, or when the installed compiler
    /// cannot compile a program.
    pub fn install(ctx: &Ctx) -> anyhow::Result<Self> {
        ctx.reporter.status("Resolving", "Rust in this machine's package archives");
        let what = "complete Rust 1.85 or later for wasm32-wasip1";
        let rust = choose_newest(what, &apt::is_part_of_rust, apt::choose_rust, ctx)?;
        let root = ctx.store.entry(Bucket::Toolchains, &key(&rust));
        if root.exists() {
            return Ok(Self { root });
        }
        let debs = bundle::fetch_all(&rust, ctx)?;
        ctx.reporter.status("Unpacking", format!("Rust {}", rust.version));
        let stage = ctx.store.stage(Bucket::Toolchains)?;
        let tree = stage.path();
        bundle::unpack(&debs, tree, destination)?;
        shims::make(&tree.join("host"), ctx)?;
        let loader = bundle::loader(tree)?;
        for program in ["rustc", "rustdoc"] {
            let args = format!("\"$root/host/bin/{program}\" --sysroot \"$root/sysroot\"");
            bundle::write_launcher(&loader, "/..", &args, &tree.join("bin").join(program))?;
        }
        let rustlib = tree.join("sysroot/lib/rustlib");
        let linker = rustlib.join(host(&rustlib)?).join("bin/rust-lld");
        bundle::write_launcher(&loader, "/../../../../..", "\"$root/host/bin/lld\"", &linker)?;
        check(tree).context("the unpacked Rust does not work on this machine")?;
        stage.commit(&root)?;
        Ok(Self { root })
    }
}

fn key(rust: &SuitePackages) -> String {
    format!("rust-{}-{}", rust.upstream(), bundle::digest(rust).short())
}

/// Returns the path in the tree for a file of a package, or `None` if the file is not needed.
fn destination(package: &str, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let text = path.as_str();
    if let Some(rest) = text.strip_prefix("usr/lib/rustlib/") {
        let needed = package == "libstd-rust-dev" || rest.starts_with("wasm32-wasip1/");
        return needed.then(|| format!("sysroot/lib/rustlib/{rest}").into());
    }
    if matches!(text, "usr/bin/rustc" | "usr/bin/rustdoc")
        || (text.starts_with("usr/lib/llvm-") && text.ends_with("/bin/lld"))
    {
        return Some(format!("host/bin/{}", path.file_name()?).into());
    }
    bundle::destination(package, path, &LIBRARIES)
}

/// Returns the triple of the host, which is the name of a directory in `rustlib`.
fn host(rustlib: &Utf8Path) -> anyhow::Result<String> {
    for entry in rustlib.read_dir_utf8().with_context(|| format!("cannot read `{rustlib}`"))? {
        let name = entry?.file_name().to_owned();
        if name.ends_with("-linux-gnu") {
            return Ok(name);
        }
    }
    anyhow::bail!("the packages contain no Rust standard library for this machine")
}

/// Checks that the compiler can compile and link a program for the target.
fn check(tree: &Utf8Path) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
    fs_err::write(dir.join("main.rs"), "fn main() { println!(\"{:?}\", std::env::args()); }\n")?;
    let args = ["--target", "wasm32-wasip1", "main.rs", "-o", "main.wasm"];
    call(&tree.join("bin/rustc"), &args, &dir)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_and_libraries_of_two_targets_are_unpacked() {
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
            assert_eq!(destination(package, from.into()).unwrap(), to);
        }
        for (package, path) in [
            ("libstd-rust-dev-wasm32", "usr/lib/rustlib/wasm32-wasip2/lib/libstd.rlib"),
            ("libc6", "usr/lib/x86_64-linux-gnu/gconv/UTF-7.so"),
            ("libc6", "usr/lib/x86_64-linux-gnu/libresolv.so.2"),
            ("rustc", "usr/libexec/rust-analyzer-proc-macro-srv"),
        ] {
            assert_eq!(destination(package, path.into()), None, "{path}");
        }
    }
}
