//! Tests that hostile wheels are refused before any of their files is used.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use camino::Utf8Path;
use pywasm_packages::{Chosen, Installed, Name, Source, WheelName, install};
use pywasm_store::{Bucket, Ctx};
use pywasm_tests::Fresh;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

const FILE: &str = "demo-1.0-py3-none-any.whl";
const RECORD: &str = "demo-1.0.dist-info/RECORD";

/// The entries of a wheel: paths and contents.
type Entries<'a> = Vec<(&'a str, &'a [u8])>;

fn entries<'a>() -> Entries<'a> {
    vec![
        ("demo/__init__.py", b"x = 1\n"),
        ("demo/data.txt", b"data"),
        ("demo-1.0.dist-info/METADATA", b"Name: demo\nVersion: 1.0\n"),
    ]
}

fn record(entries: &Entries<'_>) -> String {
    let line = |(path, content): &(&str, &[u8])| {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        format!("{path},sha256={digest},{}\n", content.len())
    };
    let lines: String = entries.iter().map(line).collect();
    format!("{lines}{RECORD},,\n")
}

/// Returns a wheel whose RECORD lists its entries.
fn wheel(entries: &Entries<'_>) -> Vec<u8> {
    let record = record(entries);
    let mut all = entries.clone();
    all.push((RECORD, record.as_bytes()));
    archive(&all)
}

fn archive(entries: &Entries<'_>) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, content) in entries {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn installed(bytes: &[u8], ctx: &Ctx) -> anyhow::Result<Installed> {
    let path = ctx.cwd.join(FILE);
    std::fs::write(&path, bytes).unwrap();
    let chosen = Chosen {
        name: Name::new("demo"),
        wheel: FILE.parse::<WheelName>().unwrap(),
        source: Source::Path(path),
        sha256: pywasm_tests::wanted(FILE, bytes).sha256,
        size: None,
    };
    install(&[chosen], ctx).map(|mut all| all.remove(0))
}

/// Checks that the wheel is refused for this reason, and that nothing is left in the store or beside it.
fn refuse(bytes: &[u8], reason: &str) {
    let fresh = Fresh::new(&[]);
    let error = format!("{:#}", installed(bytes, &fresh.ctx).expect_err(reason));
    assert!(error.contains(reason) && error.contains(FILE), "{error}");
    assert!(fresh.ctx.store.keys(Bucket::Packages).unwrap().is_empty());
    assert!(fresh.ctx.store.keys(Bucket::Staging).unwrap().is_empty());
    let names = fresh.root().read_dir_utf8().unwrap().map(|it| it.unwrap().file_name().to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, [FILE, "store"], "something has escaped");
}

#[test]
fn files_of_a_wheel_are_in_the_store() {
    let fresh = Fresh::new(&[]);
    let mut entries = entries();
    entries.push(("demo-1.0.data/purelib/extra.py", b""));
    entries.push(("demo-1.0.data/scripts/demo", b"#!python\n"));
    let package = installed(&wheel(&entries), &fresh.ctx).unwrap();
    let exists = |path: &str| package.root.join(path).is_file();
    assert!(exists("demo/__init__.py") && exists("demo/data.txt") && exists("extra.py"));
    assert!(!exists("demo"), "scripts are left out");
    assert!(exists(RECORD));
}

#[test]
fn paths_outside_are_refused() {
    for (path, reason) in [
        ("../evil.py", "contains `..`"),
        ("demo/../../evil.py", "contains `..`"),
        ("/tmp/evil.py", "is absolute"),
    ] {
        let mut entries = entries();
        entries.push((path, b"x"));
        refuse(&wheel(&entries), reason);
    }
    assert!(!Utf8Path::new("/tmp/evil.py").exists());
}

#[test]
fn paths_outside_through_data_are_refused() {
    let mut entries = entries();
    entries.push(("demo-1.0.data/purelib/../../../evil.py", b"x"));
    refuse(&wheel(&entries), "contains `..`");
}

#[test]
fn links_are_refused() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.add_symlink("demo", "/etc", SimpleFileOptions::default()).unwrap();
    refuse(&writer.finish().unwrap().into_inner(), "symbolic link");
}

#[test]
fn two_files_for_one_path_are_refused() {
    // The library that writes the archive refuses equal names, so the second one is changed later.
    let mut entries = entries();
    entries.push(("demo/__init__.pX", b"evil"));
    let mut bytes = wheel(&entries);
    let (name, same) = (b"demo/__init__.pX", b"demo/__init__.py");
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(name) {
            bytes[at..at + name.len()].copy_from_slice(same);
        }
    }
    refuse(&bytes, "several entries with the same path");

    let mut entries = self::entries();
    entries.push(("demo-1.0.data/purelib/demo/__init__.py", b"evil"));
    refuse(&wheel(&entries), "two files for the path `demo/__init__.py`");
}

#[test]
fn record_that_lies_is_refused() {
    let entries = entries();
    let record = record(&entries);
    for (record, reason) in [
        (record.replace("demo/data.txt", "demo/other.txt"), "does not list `demo/data.txt`"),
        (record.replace(",sha256=", ",md5="), "does not have the digest"),
        (record.replace("x = 1", "x = 2"), ""),
        (
            format!("{record}demo/gone.py,sha256=x,1\n"),
            "lists `demo/gone.py`, which does not exist",
        ),
        (format!("{record}{record}"), "lists `demo/__init__.py` twice"),
    ] {
        let mut all = entries.clone();
        if reason.is_empty() {
            all[0].1 = b"x = 2\n";
        }
        all.push((RECORD, record.as_bytes()));
        let reason =
            if reason.is_empty() { "`demo/__init__.py` does not have the digest" } else { reason };
        refuse(&archive(&all), reason);
    }
    refuse(&archive(&entries), "has no RECORD");
}

#[test]
fn metadata_of_another_package_is_refused() {
    let record = "other-1.0.dist-info/RECORD,,\n";
    refuse(
        &archive(&vec![("other-1.0.dist-info/RECORD", record.as_bytes())]),
        "its metadata is in",
    );
}

#[test]
fn files_for_the_standard_library_are_refused() {
    let mut entries = entries();
    entries.push(("demo-1.0.data/data/lib/python3.13/os.py", b"evil"));
    refuse(&wheel(&entries), "into the standard library");
}

#[test]
fn bomb_is_refused() {
    let zeros = vec![0; 64 << 20];
    let mut entries = entries();
    entries.push(("demo/zeros", &zeros));
    refuse(&wheel(&entries), "decompression bomb");
}

#[test]
fn damaged_archives_are_refused() {
    let bytes = wheel(&entries());
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        let fresh = Fresh::new(&[]);
        assert!(installed(&bytes[..length], &fresh.ctx).is_err(), "{length}");
    }
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        let fresh = Fresh::new(&[]);
        // A change of a date or a mode is not an error. Nothing may panic or escape.
        let _ = installed(&changed, &fresh.ctx);
        assert_eq!(fresh.root().read_dir_utf8().unwrap().count(), 2, "{at}");
    }
}
