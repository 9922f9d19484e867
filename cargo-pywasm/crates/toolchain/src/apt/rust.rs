//! Selects the packages of a Rust toolchain for wasm32-wasip1 from a suite. Accesses neither the
//! network nor the disk.

use super::index::Package;
use super::suite::{RUNTIME, SuitePackages, is_since, newest};

/// The oldest Rust that supports edition 2024, the default for new crates.
const OLDEST: &str = "1.85";
/// The packages of the libraries that LLVM needs in addition to the C and C++ libraries.
const LLVM_RUNTIME: [&str; 3] = ["zlib1g", "libzstd1", "libffi8"];
/// The packages that contain the compiler, the host's standard library (for build scripts and
/// procedural macros) and the target's standard library.
const RUST: [&str; 3] = ["rustc", "libstd-rust-dev", "libstd-rust-dev-wasm32"];

/// Returns true if a package of this name may be selected.
#[must_use]
pub(crate) fn is_part_of_rust(name: &str) -> bool {
    RUST.contains(&name)
        || RUNTIME.contains(&name)
        || LLVM_RUNTIME.contains(&name)
        || ["libstd-rust-", "libllvm", "lld-"].iter().any(|prefix| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
}

/// Returns the packages of a suite that make up a Rust toolchain, or `None` if one is missing or
/// the compiler is older than `OLDEST`. The version of LLVM is the one that the compiler's library
/// depends on.
#[must_use]
pub fn choose_rust(suite: &[Package]) -> Option<SuitePackages> {
    let newest = |name: &str| newest(suite, name);
    let compiler = newest("rustc").filter(|package| is_since(package, OLDEST))?;
    let mut packages: Vec<&Package> = Vec::new();
    for name in RUST {
        packages.push(newest(name).filter(|package| package.version == compiler.version)?);
    }
    let minor: Vec<&str> = compiler.version.split('.').take(2).collect();
    let driver = newest(&format!("libstd-rust-{}", minor.join(".")))?;
    let llvm = depends(driver).find(|name| name.starts_with("libllvm"))?;
    let major: String = llvm["libllvm".len()..].chars().take_while(char::is_ascii_digit).collect();
    packages.push(driver);
    packages.push(newest(llvm)?);
    packages.push(newest(&format!("lld-{major}"))?);
    for name in RUNTIME.into_iter().chain(LLVM_RUNTIME) {
        packages.push(newest(name)?);
    }
    Some(SuitePackages::new(&compiler.version, packages))
}

/// Returns the names of a package's dependencies, without versions and alternatives.
fn depends(package: &Package) -> impl Iterator<Item = &str> {
    let name = |part: &'_ str| -> usize { part.find([' ', '(', ':', '|']).unwrap_or(part.len()) };
    package.depends.split(',').map(str::trim).map(move |part| &part[..name(part)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_recipes::Digest;

    fn suite(rust: &str, wasm: &str) -> Vec<Package> {
        let package = |name: &str, version: &str, depends: &str| Package {
            name: name.to_owned(),
            version: version.to_owned(),
            sha256: Digest::from_bytes([0; 32]),
            size: 1,
            url: format!("http://mirror.example/{name}.deb"),
            depends: depends.to_owned(),
        };
        let mut all = vec![
            package("rustc", rust, "libstd-rust-dev"),
            package("libstd-rust-dev", rust, ""),
            package("libstd-rust-dev-wasm32", wasm, ""),
            package(
                "libstd-rust-1.97",
                rust,
                "libc6 (>= 2.39), libllvm22 (>= 1:22.1.0), libgcc-s1",
            ),
        ];
        let rest = ["libllvm21", "lld-21", "libllvm22", "lld-22"].into_iter();
        let rest = rest.chain(RUNTIME).chain(LLVM_RUNTIME);
        all.extend(rest.map(|name| package(name, "1", "")));
        all
    }

    #[test]
    fn llvm_and_linker_match_the_compiler() {
        let chosen = choose_rust(&suite("1.97.1+dfsg1-1", "1.97.1+dfsg1-1")).unwrap();
        let names: Vec<&str> = chosen.packages.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names.len(), 12);
        assert!(names.contains(&"lld-22") && !names.contains(&"lld-21"), "{names:?}");
        assert!(chosen.packages.iter().all(|package| is_part_of_rust(&package.name)));
    }

    #[test]
    fn library_of_another_version_is_refused() {
        assert_eq!(choose_rust(&suite("1.97.1+dfsg1-1", "1.97.0+dfsg1-1")), None);
    }

    #[test]
    fn old_or_incomplete_rust_is_not_chosen() {
        assert_eq!(choose_rust(&suite("1.63.0+dfsg1-2", "1.63.0+dfsg1-2")), None);
        let mut suite = suite("1.97.1+dfsg1-1", "1.97.1+dfsg1-1");
        suite.retain(|package| package.name != "lld-22");
        assert_eq!(choose_rust(&suite), None);
    }
}
