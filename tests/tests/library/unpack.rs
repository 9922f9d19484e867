//! Tests that unpacking a hostile archive never writes outside the target directory.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_store::unpack::{Limits, Refused, UnpackError, deb_from, tar_from};
use pywasm_tests::utf8;

/// An entry of a new archive. Paths are written unchecked, so that they can be hostile.
struct Entry<'a> {
    path: &'a [u8],
    kind: tar::EntryType,
    link: &'a str,
    body: &'a [u8],
}

fn file<'a>(path: &'a str, body: &'a str) -> Entry<'a> {
    Entry { path: path.as_bytes(), kind: tar::EntryType::Regular, link: "", body: body.as_bytes() }
}

fn link<'a>(path: &'a str, to: &'a str, kind: tar::EntryType) -> Entry<'a> {
    Entry { path: path.as_bytes(), kind, link: to, body: b"" }
}

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..entry.path.len()].copy_from_slice(entry.path);
        header.as_mut_bytes()[157..157 + entry.link.len()].copy_from_slice(entry.link.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(0o644);
        header.set_mtime(1_000_000_000);
        header.set_size(entry.body.len() as u64);
        header.set_cksum();
        builder.append(&header, entry.body).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A directory to unpack into. Its parent directory contains nothing else, so any other file in the
/// parent has escaped.
struct Cage {
    _dir: tempfile::TempDir,
    outer: Utf8PathBuf,
    inner: Utf8PathBuf,
}

impl Cage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let outer = utf8(dir.path());
        let inner = outer.join("inner");
        std::fs::create_dir(&inner).unwrap();
        Self { _dir: dir, outer, inner }
    }

    fn unpack(&self, bytes: &[u8]) -> Result<(), UnpackError> {
        tar_from(bytes, "hostile.tar", &self.inner, 0, &Limits::default()).map(drop)
    }

    fn refusal(&self, bytes: &[u8]) -> Refused {
        let error = self.unpack(bytes).expect_err("it was unpacked");
        assert_eq!(error.archive, "hostile.tar");
        self.assert_intact();
        error.reason
    }

    fn assert_intact(&self) {
        let names: Vec<_> = self
            .outer
            .read_dir_utf8()
            .unwrap()
            .map(|it| it.unwrap().file_name().to_owned())
            .collect();
        assert_eq!(names, ["inner"], "something has escaped");
    }
}

#[test]
fn paths_outside_are_refused() {
    let cage = Cage::new();
    for path in ["../evil", "a/../../evil", "a/.."] {
        let refused = cage.refusal(&archive(&[file(path, "x")]));
        assert!(matches!(refused, Refused::Traversal), "{path}: {refused}");
    }
    assert!(matches!(
        cage.refusal(&archive(&[file("/tmp/pywasm-evil", "x")])),
        Refused::AbsolutePath
    ));
    assert!(!Utf8Path::new("/tmp/pywasm-evil").exists());
}

#[test]
fn links_outside_are_refused() {
    let cage = Cage::new();
    for (target, kind) in [
        ("/etc/passwd", tar::EntryType::Symlink),
        ("../evil", tar::EntryType::Symlink),
        ("a/../../evil", tar::EntryType::Symlink),
        ("/etc/passwd", tar::EntryType::Link),
        ("../evil", tar::EntryType::Link),
        ("missing", tar::EntryType::Link),
    ] {
        let bytes = archive(&[link("l", target, kind)]);
        let refused = cage.refusal(&bytes);
        assert!(!matches!(refused, Refused::Corrupt(_)), "{target}: {refused}");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let cage = Cage::new();
    let bytes = archive(&[
        file("dir/real", "x"),
        link("way", "dir", tar::EntryType::Symlink),
        file("way/real", "overwritten"),
    ]);
    assert!(matches!(cage.refusal(&bytes), Refused::ThroughLink(_)));
}

#[test]
fn devices_and_changed_kinds_are_refused() {
    let cage = Cage::new();
    for kind in [tar::EntryType::Char, tar::EntryType::Block, tar::EntryType::Fifo] {
        assert!(matches!(cage.refusal(&archive(&[link("d", "", kind)])), Refused::Special(_)));
    }
    let cage = Cage::new();
    let bytes = archive(&[file("a", "x"), file("a/b", "x")]);
    assert!(matches!(cage.refusal(&bytes), Refused::KindChange { .. }));
}

#[test]
fn names_that_are_not_utf8_are_refused() {
    let cage = Cage::new();
    let entry = Entry { path: b"caf\xe9", kind: tar::EntryType::Regular, link: "", body: b"x" };
    assert!(matches!(cage.refusal(&archive(&[entry])), Refused::NotUtf8));
}

#[test]
fn bombs_hit_size_count_and_ratio_limits() {
    let cage = Cage::new();
    let many: Vec<Entry<'_>> = (0..20).map(|_| file("same", "x")).collect();
    let limits = Limits { max_entries: 10, ..Limits::default() };
    let error = tar_from(&*archive(&many), "t", &cage.inner, 0, &limits).unwrap_err();
    assert!(matches!(error.reason, Refused::TooManyEntries(10)));

    let body = "0".repeat(100_000);
    let limits = Limits { max_bytes: 50_000, ..Limits::default() };
    let error = tar_from(&*archive(&[file("f", &body)]), "t", &cage.inner, 0, &limits).unwrap_err();
    assert!(matches!(error.reason, Refused::TooManyBytes(50_000)));

    let body = "0".repeat(64 << 20);
    let bomb = gzip(&archive(&[file("f", &body)]));
    let error = tar_from(&*bomb, "t", &cage.inner, 0, &Limits::default()).unwrap_err();
    assert!(matches!(error.reason, Refused::TooDense(_)), "{}", error.reason);
}

#[test]
fn headers_are_limited_after_large_files() {
    let long = "n".repeat(3 << 20);
    let body = "0".repeat(4 << 20);
    let name = || Entry {
        path: b"././@LongLink",
        kind: tar::EntryType::GNULongName,
        link: "",
        body: long.as_bytes(),
    };
    for entries in [vec![name(), file("x", "")], vec![file("f", &body), name(), file("x", "")]] {
        let cage = Cage::new();
        let refused = cage.refusal(&archive(&entries));
        assert!(matches!(refused, Refused::HugeHeader(_)), "the reason is different");
    }
}

#[test]
fn file_above_stripped_prefix_is_refused() {
    let top = || Entry { path: b"top/", kind: tar::EntryType::Directory, link: "", body: b"" };
    let cage = Cage::new();
    let good = archive(&[top(), file("top/x", "x")]);
    tar_from(&*good, "t", &cage.inner, 1, &Limits::default()).unwrap();
    let bad = archive(&[top(), file("README", "x")]);
    let error = tar_from(&*bad, "t", &cage.inner, 1, &Limits::default()).unwrap_err();
    assert!(matches!(error.reason, Refused::TooShallow(1)), "{}", error.reason);
    assert_eq!(error.entry.as_deref(), Some("README"));
}

#[test]
fn v7_directory_is_a_directory() {
    let cage = Cage::new();
    cage.unpack(&archive(&[file("old/", ""), file("old/x", "x")])).unwrap();
    assert_eq!(std::fs::read_to_string(cage.inner.join("old/x")).unwrap(), "x");
}

#[test]
fn truncation_differs_from_trailing_garbage() {
    let cage = Cage::new();
    let whole = xz(&archive(&[file("f", &"text ".repeat(10_000))]));
    let refused = cage.refusal(&whole[..whole.len() - 20]);
    assert!(matches!(refused, Refused::Truncated | Refused::Corrupt(_)), "{refused}");
    let garbage = [archive(&[file("f", "x")]), b"garbage".repeat(200)].concat();
    assert!(matches!(cage.refusal(&garbage), Refused::TrailingGarbage));
    let html = cage.refusal(b"<!DOCTYPE html><p>Please log in</p>");
    assert!(html.to_string().contains("a web page"), "{html}");
}

#[test]
fn valid_archive_keeps_dates_modes_and_links() {
    let cage = Cage::new();
    let mut bytes = archive(&[
        file("top/bin/run", "#!"),
        file("top/doc", "text"),
        link("top/bin/again", "run", tar::EntryType::Symlink),
    ]);
    // Set the executable bit and the set-user-ID bit of the first entry.
    let mut header = tar::Header::from_byte_slice(&bytes[..512]).clone();
    header.set_mode(0o4755);
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    for packed in [bytes.clone(), gzip(&bytes), xz(&bytes)] {
        let cage = Cage::new();
        tar_from(&*packed, "t", &cage.inner, 1, &Limits::default()).unwrap();
        let run = cage.inner.join("bin/run");
        let data = std::fs::metadata(&run).unwrap();
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        assert_eq!(data.mtime(), 1_000_000_000);
        assert_eq!(data.permissions().mode() & 0o7111, 0o111, "unexpected file mode");
        assert_eq!(std::fs::read_to_string(cage.inner.join("bin/again")).unwrap(), "#!");
        assert!(cage.inner.join("doc").exists());
    }
    cage.assert_intact();
}

#[test]
fn package_unpacks_in_every_compression() {
    let data = archive(&[file("./usr/bin/tool", "tool"), file("./usr/share/doc/x", "doc")]);
    for (name, packed) in
        [("data.tar", data.clone()), ("data.tar.gz", gzip(&data)), ("data.tar.xz", xz(&data))]
    {
        let cage = Cage::new();
        let mut select = |path: &Utf8Path| (path == "usr/bin/tool").then(|| "bin/tool".into());
        deb_from(&*deb(name, &packed), "p.deb", &cage.inner, &mut select, &Limits::default())
            .unwrap();
        assert_eq!(std::fs::read_to_string(cage.inner.join("bin/tool")).unwrap(), "tool");
        assert!(!cage.inner.join("usr").exists());
    }
}

#[test]
fn package_without_data_is_refused() {
    let cage = Cage::new();
    let mut select = |_: &Utf8Path| None;
    for bytes in [deb("other.tar", b""), b"!<arch>\n".to_vec(), b"no archive".to_vec()] {
        assert!(deb_from(&*bytes, "p.deb", &cage.inner, &mut select, &Limits::default()).is_err());
    }
}

#[test]
fn changed_bytes_never_write_outside() {
    let good = archive(&[
        file("dir/file", "text"),
        link("dir/link", "file", tar::EntryType::Symlink),
        link("dir/hard", "dir/file", tar::EntryType::Link),
    ]);
    // A fixed sequence, so that a failure can be reproduced.
    let mut random: u64 = 0x2545_f491_4f6c_dd1d;
    for _ in 0..3_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut bytes = good.clone();
        // Most attacks are in headers. Their checksums are corrected, because a header with a wrong
        // checksum would be refused first.
        let block = (random as usize % 4) * 512;
        let at = block + (random >> 8) as usize % 345;
        bytes[at] = (random >> 32) as u8;
        let mut header = tar::Header::from_byte_slice(&bytes[block..block + 512]).clone();
        header.set_cksum();
        bytes[block..block + 512].copy_from_slice(header.as_bytes());
        let cage = Cage::new();
        let _ = cage.unpack(&bytes);
        cage.assert_intact();
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Writes a Debian package with one data member (deb(5)).
fn deb(data_name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, body) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", b""), (data_name, data)]
    {
        let size = body.len();
        bytes.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644).bytes(),
        );
        bytes.extend(body);
        if size % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}
