//! Chooses the wasi-libc that a wasm module is linked with.
//!
//! libpython was built against one wasi-libc, and Rust's standard library bundles another. The two
//! cannot be mixed, because the ABI of wasi-libc is not stable between versions ([PEP 816]), so a
//! wasm module is linked with exactly one of them. A libc can be chosen only if it provides all
//! functions that libpython, Rust's standard library and the start file need. In a command, the
//! start file is always Rust's, because rustc links it. A reactor gets the start file of the chosen
//! libc.
//!
//! [PEP 816]: https://peps.python.org/pep-0816/

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{wasm, Error, Installation, Variables, TARGET};

/// The libc function that initializes the thread pointer. A libc that defines this function works
/// only if the start file calls it.
const INIT: &str = "__wasi_init_tp";

/// The libc that a wasm module is linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libc {
    /// The libcs of Rust and libpython are identical.
    Same,
    /// The libc of the Rust toolchain, which provides everything that libpython needs.
    Rust,
    /// The libc that libpython was built against, which provides everything that Rust needs.
    Python,
}

/// The libc that the Rust toolchain bundles for the target.
pub(crate) struct RustLibc {
    dir: PathBuf,
    archive: Vec<u8>,
    defined: BTreeSet<String>,
    /// The functions that Rust's standard library and the start file for commands import, whether
    /// from libc or from another library.
    needs: BTreeSet<String>,
    /// True if the start file for commands calls [`INIT`].
    initializes: bool,
}

impl RustLibc {
    /// Reads the libc of the toolchain in `sysroot`.
    ///
    /// # Errors
    /// When the toolchain does not contain the target, or one of its files cannot be read.
    pub(crate) fn read(sysroot: &Path) -> Result<Self, Error> {
        let target = sysroot.join("lib/rustlib").join(TARGET).join("lib");
        let dir = target.join("self-contained");
        if !dir.join("libc.a").exists() {
            return Err(Error::NoTarget(sysroot.to_owned()));
        }
        let read = |path: PathBuf| std::fs::read(&path).map_err(|error| Error::Read(path, error));
        let damaged = |name: &str| Error::Damaged(dir.join(name));
        let archive = read(dir.join("libc.a"))?;
        let defined = wasm::archive_symbols(&archive).ok_or_else(|| damaged("libc.a"))?;
        let mut needs = wasm::object_imports(&read(dir.join("crt1-command.o"))?)
            .ok_or_else(|| damaged("crt1-command.o"))?;
        let initializes = needs.contains(INIT);
        let unreadable = |error| Error::Read(target.clone(), error);
        for entry in std::fs::read_dir(&target).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("libstd-") && name.ends_with(".rlib") {
                needs.extend(wasm::archive_imports(&read(path)?).unwrap_or_default());
            }
        }
        Ok(Self { dir, archive, defined, needs, initializes })
    }

    /// Returns the directory that contains the libc and the start files.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Returns the sysroot of the compiler that Cargo uses.
///
/// # Errors
/// When `RUSTC` cannot be run.
pub(crate) fn sysroot(variables: Variables<'_>) -> Result<PathBuf, Error> {
    let rustc = variables("RUSTC").unwrap_or_else(|| "rustc".into());
    let failed = |message: String| Error::Program {
        command: format!("{} --print sysroot", Path::new(&rustc).display()),
        message,
    };
    let output = Command::new(&rustc)
        .args(["--print", "sysroot"])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

/// Chooses the libc for a wasm module. libpython's libc is preferred, because libpython's C code
/// was compiled against the headers of that libc.
///
/// # Errors
/// When neither libc satisfies both libpython and Rust; the error lists what each libc lacks.
pub(crate) fn choose(python: &Installation, rust: &RustLibc) -> Result<Libc, Error> {
    let path = python.libc_dir().join("libc.a");
    let archive = std::fs::read(&path).map_err(|error| Error::Read(path.clone(), error))?;
    if archive == rust.archive {
        return Ok(Libc::Same);
    }
    let defined = wasm::archive_symbols(&archive).ok_or_else(|| Error::Damaged(path.clone()))?;
    let mut missing_from_python = Vec::new();
    for name in &rust.needs {
        if rust.defined.contains(name) && !defined.contains(name) {
            missing_from_python.push(name.clone());
        }
    }
    if defined.contains(INIT) && !rust.initializes {
        missing_from_python.push(format!("a start file that calls {INIT}"));
    }
    if missing_from_python.is_empty() {
        return Ok(Libc::Python);
    }
    let mut missing_from_rust = Vec::new();
    for name in python.libc_needs() {
        if defined.contains(name) && !rust.defined.contains(name) {
            missing_from_rust.push(name.to_owned());
        }
    }
    if missing_from_rust.is_empty() {
        return Ok(Libc::Rust);
    }
    let (python, rust) = (path, rust.dir.join("libc.a"));
    Err(Error::LibcPair { python, rust, missing_from_python, missing_from_rust })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::tests::{archive, object};

    /// The functions that each of two libcs defines, and those that libpython, Rust's start file
    /// and Rust's standard library need.
    struct Pair {
        python: &'static [&'static str],
        rust: &'static [&'static str],
        libpython: &'static [&'static str],
        start: &'static [&'static str],
        std: &'static [&'static str],
    }

    fn decide(pair: &Pair) -> Result<Libc, Error> {
        let dir = tempfile::tempdir().unwrap();
        let (root, sysroot) = (dir.path().join("python"), dir.path().join("rust"));
        let target = sysroot.join("lib/rustlib/wasm32-wasip1/lib");
        let write = |path: PathBuf, bytes: &[u8]| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write(root.join("lib/wasi-libc/libc.a"), &archive(pair.python, &[]));
        write(
            root.join("manifest.json"),
            crate::installation::tests::manifest(pair.libpython).as_bytes(),
        );
        write(target.join("self-contained/libc.a"), &archive(pair.rust, &[]));
        write(target.join("self-contained/crt1-command.o"), &object(pair.start));
        write(target.join("libstd-0.rlib"), &archive(&[], &[&object(pair.std)]));
        choose(&Installation::open(&root).unwrap(), &RustLibc::read(&sysroot).unwrap())
    }

    #[test]
    fn identical_libcs_are_one() {
        let same: &[&str] = &["malloc", "open"];
        let pair = Pair { python: same, rust: same, libpython: &["open"], start: &[], std: &[] };
        assert_eq!(decide(&pair).unwrap(), Libc::Same);
    }

    #[test]
    fn libc_of_python_is_used_if_it_satisfies_rust() {
        let pair = Pair {
            python: &["open", "sysconf", "__wasm_call_dtors"],
            rust: &["open", "__wasm_call_dtors"],
            libpython: &["open", "sysconf"],
            start: &["__wasm_call_ctors", "__wasm_call_dtors"],
            std: &["open", "core_internals"],
        };
        assert_eq!(decide(&pair).unwrap(), Libc::Python);
    }

    #[test]
    fn libc_of_rust_is_used_if_the_other_lacks_symbols() {
        for (start, std) in [(&["__wasi_init_tp"][..], &[][..]), (&[], &["pthread_create"])] {
            let rust = &["open", "__wasi_init_tp", "pthread_create"];
            let pair = Pair { python: &["open"], rust, libpython: &["open"], start, std };
            assert_eq!(decide(&pair).unwrap(), Libc::Rust);
        }
    }

    #[test]
    fn uninitialized_libc_is_not_used() {
        let pair = Pair {
            python: &["open", "__wasi_init_tp"],
            rust: &["open"],
            libpython: &["open"],
            start: &[],
            std: &["open"],
        };
        assert_eq!(decide(&pair).unwrap(), Libc::Rust);
    }

    #[test]
    fn error_lists_what_each_libc_lacks() {
        let pair = Pair {
            python: &["open", "sysconf"],
            rust: &["open", "__wasi_init_tp"],
            libpython: &["open", "sysconf"],
            start: &["__wasi_init_tp"],
            std: &[],
        };
        let message = decide(&pair).unwrap_err().to_string();
        for part in
            ["sysconf", "__wasi_init_tp", "wasi-libc/libc.a", "self-contained/libc.a", "hint: "]
        {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn sysroot_without_the_target_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let message = RustLibc::read(dir.path()).err().unwrap().to_string();
        assert!(message.contains("rustup target add wasm32-wasip1"), "{message}");
    }
}
