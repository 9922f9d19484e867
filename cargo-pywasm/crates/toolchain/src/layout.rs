//! From a package's files to the shape of a WASI SDK.

use camino::{Utf8Path, Utf8PathBuf};

/// Where a package's file goes in the tree, if anywhere: of 400 MB, 230 are needed.
///
/// `path` is relative to the root of the package's file system, as is what is returned.
pub(super) fn place(major: u32, package: &str, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let text = path.as_str();
    if text == format!("usr/share/doc/{package}/copyright") {
        return Some(format!("share/doc/{package}/copyright").into());
    }
    let (llvm, resources) =
        (format!("usr/lib/llvm-{major}/"), format!("usr/lib/llvm-{major}/lib/clang/"));
    if let Some(rest) = text.strip_prefix(&resources) {
        // The compiler's headers, and compiler-rt for wasm; not that of a hundred other targets.
        let wanted = rest.contains("/include/") || rest.contains("/lib/wasi/");
        return wanted.then(|| format!("lib/clang/{rest}").into());
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
    // The libraries clang itself is linked to lie in the multiarch directory.
    let name = path.file_name()?;
    let library = name.starts_with("libLLVM.so.")
        || name.starts_with("libLLVM-")
        || name.starts_with("libclang-cpp.so.");
    (text.starts_with("usr/lib/") && path.components().count() == 4 && library)
        .then(|| format!("lib/{name}").into())
}

/// The other names of the tools. clang knows its target by its name, and calls the linker by
/// the name its distribution gave it.
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

/// A file beside clang that names the sysroot for `wasm32-wasip1-clang`.
pub(super) const CONFIG: (&str, &str) =
    ("bin/wasm32-unknown-wasip1.cfg", "--sysroot=<CFGDIR>/../share/wasi-sysroot\n");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_where_a_wasi_sdk_has_them() {
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
            assert_eq!(place(22, package, from.into()).unwrap(), to);
        }
    }

    #[test]
    fn the_rest_stays_behind() {
        for path in [
            "usr/bin/clang-22",
            "usr/lib/llvm-22/bin/opt",
            "usr/lib/llvm-22/lib/libLLVM.so.1",
            "usr/share/doc/other/copyright",
            "usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.asan.a",
        ] {
            assert_eq!(place(22, "clang-22", path.into()), None, "{path}");
        }
    }
}
