//! Maps the files of packages to the layout of a WASI SDK. Accesses neither the network nor the
//! disk.

use camino::{Utf8Path, Utf8PathBuf};

/// Returns the path in the toolchain for a file of a package, or `None` if the file is not needed.
/// The toolchain needs 230 MB of the 400 MB in the packages.
///
/// `path` is relative to the root of the package's file system.
pub(super) fn destination(major: u32, package: &str, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let text = path.as_str();
    if text == format!("usr/share/doc/{package}/copyright") {
        return Some(format!("share/doc/{package}/copyright").into());
    }
    let (llvm, resources) =
        (format!("usr/lib/llvm-{major}/"), format!("usr/lib/llvm-{major}/lib/clang/"));
    if let Some(rest) = text.strip_prefix(&resources) {
        // Keep the headers of the compiler, and compiler-rt for wasm. compiler-rt for other targets
        // is not needed.
        let needed = rest.contains("/include/") || rest.contains("/lib/wasi/");
        return needed.then(|| format!("lib/clang/{rest}").into());
    }
    if let Some(name) = text.strip_prefix(&format!("{llvm}bin/")) {
        return match name {
            "clang" | "lld" | "llvm-ar" | "llvm-nm" | "llvm-objcopy" => {
                Some(format!("bin/{name}").into())
            }
            _ => None,
        };
    }
    for (from, to) in [("usr/include/", "include"), ("usr/lib/", "lib")] {
        if let Some(rest) = text.strip_prefix(from)
            && let Some(file) = rest.strip_prefix("wasm32-wasi/")
        {
            return Some(format!("share/wasi-sysroot/{to}/wasm32-wasi/{file}").into());
        }
    }
    // The shared libraries that clang itself needs are in the multiarch directory.
    let name = path.file_name()?;
    let library = name.starts_with("libLLVM.so.")
        || name.starts_with("libLLVM-")
        || name.starts_with("libclang-cpp.so.");
    (text.starts_with("usr/lib/") && path.components().count() == 4 && library)
        .then(|| format!("lib/{name}").into())
}

/// Returns the symbolic links that provide additional names for tools and directories, as pairs of
/// link and link target. clang derives its compilation target from its own name, and calls the
/// linker by the name that the distribution gave it.
pub(super) fn links(major: u32) -> Vec<(String, String)> {
    let bin = |link: &str, target: &str| (format!("bin/{link}"), target.to_owned());
    let mut links = vec![
        bin("clang++", "clang"),
        bin("wasm32-wasip1-clang", "clang"),
        bin("wasm32-wasip1-clang++", "clang"),
        bin("wasm-ld", "lld"),
        bin(&format!("wasm-ld-{major}"), "lld"),
        bin("llvm-ranlib", "llvm-ar"),
        bin("llvm-strip", "llvm-objcopy"),
    ];
    for dir in ["include", "lib"] {
        links.push((format!("share/wasi-sysroot/{dir}/wasm32-wasip1"), "wasm32-wasi".to_owned()));
    }
    links
}

/// The path and content of clang's configuration file, which sets the sysroot of
/// `wasm32-wasip1-clang`: <https://clang.llvm.org/docs/UsersManual.html#configuration-files>.
pub(super) const CONFIG: (&str, &str) =
    ("bin/wasm32-unknown-wasip1.cfg", "--sysroot=<CFGDIR>/../share/wasi-sysroot\n");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_paths_of_a_wasi_sdk() {
        for (package, from, to) in [
            ("clang-22", "usr/lib/llvm-22/bin/clang", "bin/clang"),
            ("libllvm22", "usr/lib/x86_64-linux-gnu/libLLVM.so.22.1", "lib/libLLVM.so.22.1"),
            (
                "libclang-cpp22",
                "usr/lib/aarch64-linux-gnu/libclang-cpp.so.22.1",
                "lib/libclang-cpp.so.22.1",
            ),
            ("x", "usr/lib/llvm-22/lib/clang/22/include/stddef.h", "lib/clang/22/include/stddef.h"),
            (
                "libclang-rt-22-dev-wasm32",
                "usr/lib/llvm-22/lib/clang/22/lib/wasi/libclang_rt.builtins-wasm32.a",
                "lib/clang/22/lib/wasi/libclang_rt.builtins-wasm32.a",
            ),
            (
                "wasi-libc",
                "usr/lib/wasm32-wasi/libc.a",
                "share/wasi-sysroot/lib/wasm32-wasi/libc.a",
            ),
            ("wasi-libc", "usr/share/doc/wasi-libc/copyright", "share/doc/wasi-libc/copyright"),
        ] {
            assert_eq!(destination(22, package, from.into()).unwrap(), to);
        }
    }

    #[test]
    fn other_files_are_left_out() {
        for path in [
            "usr/bin/clang-22",
            "usr/lib/llvm-22/bin/opt",
            "usr/lib/llvm-22/lib/libLLVM.so.1",
            "usr/share/doc/other/copyright",
            "usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.asan.a",
        ] {
            assert_eq!(destination(22, "clang-22", path.into()), None, "{path}");
        }
    }
}
