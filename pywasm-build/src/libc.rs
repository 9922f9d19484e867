//! Which wasi-libc a module is linked with.
//!
//! libpython was built against one, and the standard library of Rust brings another; wasi-libc
//! promises no ABI between versions (PEP 816). A module gets exactly one of them, and the start
//! file that goes with it. rustc always links its own start file into commands, so a libc is only
//! taken when that start file, libpython and Rust's library all find in it what they want.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::{wasm, Error, Installation, TARGET};

/// Initializes the thread pointer; libcs that have it must be started by it.
const INIT: &str = "__wasi_init_tp";

/// Versions that are known by the digest of their `libc.a`, for messages.
const KNOWN: &[(&str, &str)] = &[
    ("a4874785cb53513f899604e31348e59767bd859bf88b53ffe86ed24434ea5a74", "of 2024-12-09 (574b88d)"),
    ("952ffbb2e4e464e9ecbc5934ca8d26631226d6874825d499dcc95c539f881173", "of 2026-04-23 (161b319)"),
];

/// The libc that a module is linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libc {
    /// Both are the same.
    Same,
    /// The one of Rust's toolchain: it has all that libpython wants.
    Rust,
    /// The one libpython was built against: it has all that Rust wants.
    Python,
}

/// A libc, by the digest of its archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    fn of(archive: &[u8]) -> Self {
        let digest = Sha256::digest(archive);
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.0.get(..8).unwrap_or(&self.0);
        match KNOWN.iter().find(|(digest, _)| *digest == self.0) {
            Some((_, name)) => write!(f, "wasi-libc {name}"),
            None => write!(f, "wasi-libc with sha256:{short}…"),
        }
    }
}

/// What Rust's toolchain brings for the target.
pub(crate) struct RustLibc {
    dir: PathBuf,
    stamp: Stamp,
    offers: BTreeSet<String>,
    /// What the start file of commands takes from libc.
    start_wants: BTreeSet<String>,
    /// What Rust's standard library takes from libc.
    std_wants: BTreeSet<String>,
}

impl RustLibc {
    /// Reads what `sysroot` (`rustc --print sysroot`) has for the target.
    ///
    /// # Errors
    /// When it has nothing for it.
    pub(crate) fn read(sysroot: &Path) -> Result<Self, Error> {
        let target = sysroot.join("lib/rustlib").join(TARGET).join("lib");
        let dir = target.join("self-contained");
        let read = |path: PathBuf| std::fs::read(&path).map_err(|error| Error::Read(path, error));
        let missing = || Error::NoTarget(sysroot.to_owned());
        if !dir.join("libc.a").exists() {
            return Err(missing());
        }
        let archive = read(dir.join("libc.a"))?;
        let damaged = |name: &str| Error::Damaged(dir.join(name));
        let offers = wasm::archive_symbols(&archive).ok_or_else(|| damaged("libc.a"))?;
        let from_libc =
            |names: BTreeSet<String>| names.into_iter().filter(|name| offers.contains(name));
        let start = wasm::object_imports(&read(dir.join("crt1-command.o"))?)
            .ok_or_else(|| damaged("crt1-command.o"))?;
        let start_wants = from_libc(start).collect();
        let mut std_wants = BTreeSet::new();
        for entry in
            std::fs::read_dir(&target).map_err(|error| Error::Read(target.clone(), error))?
        {
            let path = entry.map_err(|error| Error::Read(target.clone(), error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("libstd-") && name.ends_with(".rlib") {
                std_wants
                    .extend(from_libc(wasm::archive_imports(&read(path)?).unwrap_or_default()));
            }
        }
        Ok(Self { stamp: Stamp::of(&archive), offers, start_wants, std_wants, dir })
    }

    /// The directory of its libc and start files.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Decides.
///
/// # Errors
/// When neither can be linked with both sides; the error says what each lacks.
pub(crate) fn choose(python: &Installation, rust: &RustLibc) -> Result<Libc, Error> {
    let path = python.libc_dir().join("libc.a");
    let archive = std::fs::read(&path).map_err(|error| Error::Read(path.clone(), error))?;
    let stamp = Stamp::of(&archive);
    if stamp == rust.stamp {
        return Ok(Libc::Same);
    }
    let offers = wasm::archive_symbols(&archive).ok_or(Error::Damaged(path))?;
    let mut pythons_lacks: BTreeSet<&str> = (rust.start_wants.union(&rust.std_wants))
        .filter(|name| !offers.contains(*name))
        .map(String::as_str)
        .collect();
    // A libc that has to be initialized, and a start file that does not know.
    if offers.contains(INIT) && !rust.start_wants.contains(INIT) {
        pythons_lacks.insert("a start file that calls __wasi_init_tp");
    }
    // libpython's C code was compiled with the headers of its own; that is the closer match.
    if pythons_lacks.is_empty() {
        return Ok(Libc::Python);
    }
    let rusts_lacks: BTreeSet<&str> = python
        .libc_needs()
        .into_iter()
        .filter(|name| offers.contains(*name) && !rust.offers.contains(*name))
        .collect();
    if rusts_lacks.is_empty() {
        return Ok(Libc::Rust);
    }
    Err(Error::LibcPair {
        python: stamp,
        rust: rust.stamp.clone(),
        pythons_lacks: pythons_lacks.into_iter().map(str::to_owned).collect(),
        rusts_lacks: rusts_lacks.into_iter().map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::tests::{archive, object};

    /// Two libcs by what they offer, the functions libpython wants, and those Rust's start file
    /// and library want.
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
    fn equal_libcs_are_one() {
        let same: &[&str] = &["malloc", "open"];
        let pair = Pair { python: same, rust: same, libpython: &["open"], start: &[], std: &[] };
        assert_eq!(decide(&pair).unwrap(), Libc::Same);
    }

    #[test]
    fn pythons_own_is_taken_where_rust_finds_all_it_wants_in_it() {
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
    fn rusts_own_is_taken_where_its_start_file_or_library_wants_what_the_other_lacks() {
        for (start, std) in [(&["__wasi_init_tp"][..], &[][..]), (&[], &["pthread_create"])] {
            let rust = &["open", "__wasi_init_tp", "pthread_create"];
            let pair = Pair { python: &["open"], rust, libpython: &["open"], start, std };
            assert_eq!(decide(&pair).unwrap(), Libc::Rust);
        }
    }

    #[test]
    fn a_libc_that_the_start_file_would_not_initialize_is_not_taken() {
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
    fn a_pair_that_fits_neither_way_is_refused_and_both_gaps_are_named() {
        let pair = Pair {
            python: &["open", "sysconf"],
            rust: &["open", "__wasi_init_tp"],
            libpython: &["open", "sysconf"],
            start: &["__wasi_init_tp"],
            std: &[],
        };
        let message = decide(&pair).unwrap_err().to_string();
        for part in ["sysconf", "__wasi_init_tp", "sha256:", "hint: "] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_sysroot_without_the_target_is_named_with_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        let message = RustLibc::read(dir.path()).err().unwrap().to_string();
        assert!(message.contains("rustup target add wasm32-wasip1"), "{message}");
    }
}
