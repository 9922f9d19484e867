//! Tests of `cargo pywasm cache`: the entries that it removes, and how it waits for other
//! processes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use camino::Utf8PathBuf;
use pywasm_recipes::libraries;
use pywasm_store::Bucket;
use pywasm_store::fetch::{Location, Retries, fetch_with, mirror_locations};
use pywasm_tests::{Answer, Fresh, Server, wanted};

use crate::binary;

const BODY: &[u8] = b"the bytes that upstream published, all of them";

/// Returns a `cache` command that uses the store of this test and inherits no environment
/// variables.
fn command(fresh: &Fresh, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("cache").args(args).env_clear().env("PYWASM_STORE", fresh.root().join("store"));
    command.current_dir(fresh.root());
    command
}

/// Runs `cache` successfully and returns its stdout and stderr.
fn cache(fresh: &Fresh, args: &[&str]) -> String {
    let output = command(fresh, args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(output.status.success(), "{args:?}: {text}");
    text
}

/// Creates a store entry with a file of a million bytes.
fn entry(fresh: &Fresh, bucket: Bucket, key: &str) -> Utf8PathBuf {
    let path = fresh.ctx.store.entry(bucket, key);
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("file"), vec![0; 1_000_000]).unwrap();
    path
}

#[test]
fn clean_removes_selected_buckets() {
    let fresh = Fresh::new(&[]);
    let build = entry(&fresh, Bucket::Builds, "b");
    let source = entry(&fresh, Bucket::Sources, "s");
    let toolchain = entry(&fresh, Bucket::Toolchains, "t");
    let installed = entry(&fresh, Bucket::Installs, "i");

    let text = cache(&fresh, &["clean", "--all", "--dry-run"]);
    assert!(text.contains("Would free 3.0 MB"), "{text}");
    assert!(build.exists() && source.exists());
    let text = cache(&fresh, &["clean", "--builds", "--toolchains"]);
    assert!(text.contains("Removed") && text.contains("Freed 2.0 MB"), "{text}");
    assert!(!build.exists() && !toolchain.exists() && source.exists());
    cache(&fresh, &["clean", "--all"]);
    assert!(!source.exists());
    assert!(installed.exists(), "an installation is not a cache entry");
    assert!(fresh.ctx.store.keys(Bucket::Staging).unwrap().is_empty());
}

#[test]
fn clean_without_selection_is_refused() {
    let status = command(&Fresh::new(&[]), &["clean"]).output().unwrap().status;
    assert_eq!(status.code(), Some(2));
}

#[test]
fn clean_waits_without_holding_locks() {
    let fresh = Fresh::new(&[]);
    let build = entry(&fresh, Bucket::Builds, "b");
    let lock = |name: &str| fresh.ctx.store.lock(name, &fresh.ctx.reporter).unwrap();
    // Create an unlocked lock file, as an earlier run would leave behind. `clean` takes locks in
    // the order of their names, so it takes this lock before it has to wait for `install-x`.
    drop(lock("download-0"));
    let held = lock("install-x");

    let mut clean = command(&fresh, &["clean", "--builds"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(clean.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("Waiting for another process that uses install-x"), "{line}");
    assert!(build.exists());
    // While `clean` waits, it must not hold `download-0`. Otherwise, if the process that holds
    // `install-x` also needed `download-0`, both processes would wait forever.
    let download = fresh.ctx.store.entry(Bucket::Locks, "download-0.lock");
    File::options().write(true).open(download).unwrap().try_lock().unwrap();
    assert!(build.exists());

    drop(held);
    assert!(clean.wait().unwrap().success());
    assert!(!build.exists());
}

#[test]
fn dry_run_waits_for_no_lock() {
    let fresh = Fresh::new(&[]);
    entry(&fresh, Bucket::Builds, "b");
    let _held = fresh.ctx.store.lock("install-x", &fresh.ctx.reporter).unwrap();
    assert!(cache(&fresh, &["clean", "--all", "--dry-run"]).contains("Would remove"));
    assert!(cache(&fresh, &["prune", "--dry-run"]).contains("Would free 0 B"));
}

#[test]
fn prune_removes_installed_builds() {
    let fresh = Fresh::new(&[]);
    let name = "cpython-3.13.15-wasm32-wasip1-default-0a1b2c3d";
    let done = entry(&fresh, Bucket::Builds, name);
    let tests = entry(&fresh, Bucket::Builds, &format!("{name}-tests"));
    let open = entry(&fresh, Bucket::Builds, "cpython-3.14.7-wasm32-wasip1-full-99999999");
    let gone = entry(&fresh, Bucket::Builds, "cpython-3.13.5-wasm32-wasip1-full-11111111-tests");
    let library = libraries().first().unwrap();
    let key = |version: &str| format!("library-{}-{version}-0a1b2c3d", library.name);
    let current = entry(&fresh, Bucket::Builds, &key(&library.version));
    let outdated = entry(&fresh, Bucket::Builds, &key("0.1"));
    entry(&fresh, Bucket::Installs, name);
    cache(&fresh, &["prune", "--older-than", "1h"]);
    assert!(done.exists(), "it is new");
    cache(&fresh, &["prune"]);
    assert!(!done.exists() && !gone.exists() && !outdated.exists());
    assert!(open.exists() && tests.exists() && current.exists());
}

#[test]
fn prune_removes_unused_compiled_modules() {
    let fresh = Fresh::new(&[]);
    let old_layout = fresh.ctx.store.cache().join("wasm-v0");
    std::fs::create_dir_all(&old_layout).unwrap();
    let dir = fresh.ctx.store.ensure(Bucket::Wasm).unwrap();
    let (used, unused) = (dir.join("used"), dir.join("unused"));
    std::fs::write(&used, "code").unwrap();
    let file = std::fs::File::create(&unused).unwrap();
    let eight_days = std::time::Duration::from_secs(8 * 24 * 3600);
    file.set_modified(std::time::SystemTime::now() - eight_days).unwrap();
    cache(&fresh, &["prune"]);
    assert!(used.exists() && !unused.exists() && !old_layout.exists());
}

#[test]
fn mirror_serves_valid_downloads_only() {
    let server = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let want = wanted("Python-3.13.15.tar.xz", BODY);
    let upstream = [Location::new("test", server.url("/f"))];
    fetch_with(&want, &upstream, &fresh.ctx, &Retries::without_pauses(1)).unwrap();
    let downloads = fresh.ctx.store.bucket(Bucket::Downloads);
    std::fs::write(downloads.join("0123456789abcdef-broken"), "not that").unwrap();
    std::fs::write(downloads.join("-nameless"), "of no digest").unwrap();

    let text = cache(&fresh, &["mirror", "mirror"]);
    assert!(text.contains("Mirrored 1 files") && text.contains("-broken"), "{text}");
    let mirror = format!("file://{}/mirror", fresh.root());
    assert!(text.contains(&format!("PYWASM_MIRROR={mirror}")), "{text}");
    assert_eq!(std::fs::read_dir(fresh.root().join("mirror")).unwrap().count(), 1);

    let other = Fresh::new(&[("PYWASM_MIRROR", &mirror)]);
    let locations = mirror_locations(&want, &other.ctx.env);
    let got = fetch_with(&want, &locations, &other.ctx, &Retries::without_pauses(1)).unwrap();
    assert_eq!(std::fs::read(got.path()).unwrap(), BODY);
}
