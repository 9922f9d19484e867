//! The store's cache of compiled modules.
//!
//! The name of an entry is the SHA-256 of the wasm module and of all engine properties that affect
//! the compiled code. wasmtime maps entries into memory, so an entry is created by renaming a
//! complete file, and never changes. wasmtime's own cache is not used because it would add zstd, a
//! C library, to the build.

use std::hash::{Hash, Hasher};
use std::time::SystemTime;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, Module};

use crate::wasm_error;
use pywasm_session::{Reporter, one_line};
use pywasm_store::{Bucket, Ctx, stage_file};

/// The maximum size of the cache in bytes, enforced when an entry is added. A compiled Python
/// interpreter takes about 40 MB.
const MAX_BYTES: u64 = 1 << 30;

/// Compiles modules, or loads them from the store.
#[derive(Clone, Debug)]
pub struct CompileCache {
    dir: Utf8PathBuf,
    reporter: Reporter,
}

/// A cache entry.
struct Entry {
    path: Utf8PathBuf,
    size: u64,
    used: SystemTime,
}

impl CompileCache {
    /// Opens the cache in the store of `ctx`.
    ///
    /// # Errors
    /// When the cache directory cannot be created.
    pub fn open(ctx: &Ctx) -> anyhow::Result<Self> {
        Ok(Self { dir: ctx.store.ensure(Bucket::Wasm)?, reporter: ctx.reporter.clone() })
    }

    /// Returns the compiled form of a module. Loads it from the store if possible.
    ///
    /// If a compiled module cannot be written to the store, only a warning is printed.
    ///
    /// # Errors
    /// When the module is invalid.
    pub fn module(&self, engine: &Engine, wasm: &[u8]) -> anyhow::Result<Module> {
        let path = self.dir.join(key(engine, wasm).to_string());
        if let Some(module) = load(engine, &path) {
            return Ok(module);
        }
        let module = Module::new(engine, wasm).map_err(wasm_error)?;
        if let Err(error) = self.write(&path, &module) {
            let error = one_line(&error);
            self.reporter.warn(format!("cannot cache the compiled module: {error}"));
        }
        Ok(module)
    }

    fn write(&self, path: &Utf8Path, module: &Module) -> anyhow::Result<()> {
        let file = stage_file(path, &module.serialize().map_err(wasm_error)?)?;
        // Without this sync, a renamed file could have the wrong content after a crash, and that
        // content would be executed.
        file.as_file().sync_all().with_context(|| format!("cannot write `{path}`"))?;
        file.persist(path).with_context(|| format!("cannot write `{path}`"))?;
        for entry in superfluous(entries(&self.dir)?, MAX_BYTES) {
            fs_err::remove_file(entry.path)?;
        }
        Ok(())
    }
}

/// Loads a stored module and updates the time of its last use. An entry that wasmtime rejects, such
/// as a truncated one, counts as missing.
fn load(engine: &Engine, path: &Utf8Path) -> Option<Module> {
    if let Ok(file) = std::fs::File::options().append(true).open(path) {
        // A failure only affects the order in which entries are removed.
        let _ = file.set_modified(SystemTime::now());
    }
    // SAFETY: The file is a module that was serialized with this engine's configuration, because
    // its name includes a hash of that configuration. Only `CompileCache::write` creates files in
    // this directory, which belongs to the user, and nothing changes them afterwards.
    #[allow(unsafe_code, reason = "wasmtime has no safe function that loads compiled code")]
    unsafe { Module::deserialize_file(engine, path) }.ok()
}

fn key(engine: &Engine, wasm: &[u8]) -> Digest {
    let mut hasher = Sha256Hasher(Sha256::new_with_prefix(Sha256::digest(wasm)));
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Digest::from_bytes(hasher.0.finalize().into())
}

/// An adapter that computes the SHA-256 of a [`Hash`] value. A 64-bit hash would be too short to
/// identify a file.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the inner SHA-256 provides the digest")
    }
}

fn entries(dir: &Utf8Path) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in dir.read_dir_utf8()? {
        let entry = entry?;
        // Another process may have removed the entry.
        let Ok(data) = entry.metadata() else { continue };
        entries.push(Entry { path: entry.into_path(), size: data.len(), used: data.modified()? });
    }
    Ok(entries)
}

/// Returns the least recently used entries, which must be removed so that the rest fit into
/// `max_bytes`.
fn superfluous(mut entries: Vec<Entry>, max_bytes: u64) -> Vec<Entry> {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.used));
    let mut size = 0;
    let fits = entries.iter().take_while(|entry| {
        size += entry.size;
        size <= max_bytes
    });
    // The newest entry is in use, so it is kept whatever its size.
    let kept = fits.count().max(1).min(entries.len());
    entries.split_off(kept)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Bench {
        cache: CompileCache,
        _root: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let root = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(root.path().to_path_buf()).unwrap();
        let ctx = Ctx::for_tests(&path, &[]);
        Bench { cache: CompileCache::open(&ctx).unwrap(), _root: root }
    }

    impl Bench {
        fn files(&self) -> Vec<Utf8PathBuf> {
            entries(&self.cache.dir).unwrap().into_iter().map(|entry| entry.path).collect()
        }

        /// Calls the module's `f` and returns the result.
        fn call(&self, engine: &Engine, wasm: &[u8]) -> i32 {
            let module = self.cache.module(engine, wasm).unwrap();
            let mut store = wasmtime::Store::new(engine, ());
            let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
            let function = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap();
            function.call(&mut store, ()).unwrap()
        }
    }

    fn wasm(value: i32) -> Vec<u8> {
        let text = format!(r#"(module (func (export "f") (result i32) (i32.const {value})))"#);
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn stored_module_is_loaded() {
        let (bench, engine) = (bench(), Engine::default());
        assert_eq!(bench.call(&engine, &wasm(1)), 1);
        let file = bench.files().pop().unwrap();
        // Overwrite the stored code of the first module with that of the second. If the first
        // module then returns 2, the stored code was loaded.
        bench.call(&engine, &wasm(2));
        let mut others = bench.files();
        others.retain(|other| *other != file);
        fs_err::rename(&others[0], &file).unwrap();
        assert_eq!(bench.call(&engine, &wasm(1)), 2);
    }

    #[test]
    fn damaged_entry_is_replaced() {
        let (bench, engine) = (bench(), Engine::default());
        bench.call(&engine, &wasm(1));
        let file = bench.files().pop().unwrap();
        let whole = fs_err::read(&file).unwrap();
        for damaged in [&b""[..], &whole[..100], b"no code at all"] {
            fs_err::write(&file, damaged).unwrap();
            assert_eq!(bench.call(&engine, &wasm(1)), 1);
            assert_eq!(fs_err::read(&file).unwrap(), whole);
        }
    }

    #[test]
    fn engines_have_their_own_entries() {
        let bench = bench();
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        bench.call(&Engine::default(), &wasm(1));
        bench.cache.module(&Engine::new(&config).unwrap(), &wasm(1)).unwrap();
        assert_eq!(bench.files().len(), 2);
    }

    #[test]
    fn unwritable_store_is_a_warning() {
        let (bench, engine) = (bench(), Engine::default());
        fs_err::remove_dir(&bench.cache.dir).unwrap();
        fs_err::write(&bench.cache.dir, "").unwrap();
        assert_eq!(bench.call(&engine, &wasm(1)), 1);
        let lines = bench.cache.reporter.lines();
        assert!(lines[0].contains("cannot cache the compiled module"), "{lines:?}");
    }

    #[test]
    fn least_recently_used_entries_are_removed() {
        let entry = |name: &str, size, seconds| Entry {
            path: name.into(),
            size,
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        };
        let removed = |sizes: [u64; 3], max_bytes| {
            let [a, b, c] = sizes;
            let entries = vec![entry("b", b, 2), entry("c", c, 3), entry("a", a, 1)];
            let removed = superfluous(entries, max_bytes).into_iter();
            removed.map(|entry| entry.path.into_string()).collect::<Vec<_>>()
        };
        assert_eq!(removed([10, 10, 10], 30), [""; 0]);
        assert_eq!(removed([10, 10, 10], 29), ["a"]);
        assert_eq!(removed([10, 10, 40], 30), ["b", "a"]);
        assert!(superfluous(Vec::new(), 30).is_empty());
    }
}
