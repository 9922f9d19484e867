//! CPython's source on this machine: a tarball or a directory, such as a checkout.

use crate::tree;
use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Artifact, Digest, MinorVersion, PatchVersion};
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_store::fetch::{self, Location, Verified, Wanted, sha256_of};
use pywasm_store::unpack::{Limits, unpack_tar_part};

use super::release::{Evidence, Release};

/// The header with CPython's version.
const PATCHLEVEL: &str = "Include/patchlevel.h";

/// CPython sources on this machine.
#[derive(Clone, Debug)]
pub struct Local {
    /// The release. Its digest is that of the tarball, or of all files in the directory.
    pub release: Release,
    /// The absolute path.
    pub(super) path: Utf8PathBuf,
}

impl Local {
    /// Reads the version of a source tree or a tarball, and computes its digest.
    ///
    /// # Errors
    /// When the path contains no CPython sources, when the tree contains a build, or when the series is
    /// unknown.
    pub fn read(path: &Utf8Path, ctx: &Ctx) -> anyhow::Result<Self> {
        let file = path.file_name().unwrap_or("cpython").to_owned();
        let (sha256, header) = if path.is_dir() {
            let header = fs_err::read_to_string(path.join(PATCHLEVEL))
                .with_context(|| format!("`{path}` contains no CPython sources"))?;
            for built in ["pyconfig.h", "builddir", "cross-build"] {
                if path.join(built).exists() {
                    return Err(anyhow::anyhow!("`{path}` contains a build, `{built}`"))
                        .hint(|| "remove it with `git clean`, or use a fresh checkout".to_owned());
                }
            }
            (tree::digest(path, &tree::sources(path)?)?, header)
        } else {
            let opened = fs_err::File::open(path).context("cannot read the CPython sources")?;
            let sha256 = sha256_of(opened)?;
            let header = header_of(&tarball(path, sha256, ctx)?)
                .with_context(|| format!("`{path}` contains no CPython sources"))?;
            (sha256, header)
        };
        let version = version(&header)
            .with_context(|| format!("`{path}`: `{PATCHLEVEL}` contains no version of CPython"))?;
        let url = format!("file://{path}");
        let source = Artifact { file, sha256, size: None, url, debian_source: None };
        let release = Release::new(version, source, Evidence::LocalSource)?;
        Ok(Self { release, path: path.to_owned() })
    }

    /// Returns the tarball, or `None` for a directory.
    pub(super) fn tarball(&self, ctx: &Ctx) -> anyhow::Result<Option<Verified>> {
        if self.path.is_dir() {
            return Ok(None);
        }
        tarball(&self.path, self.release.pin.source.sha256, ctx).map(Some)
    }
}

fn tarball(path: &Utf8Path, sha256: Digest, ctx: &Ctx) -> anyhow::Result<Verified> {
    let file = path.file_name().unwrap_or_default().to_owned();
    let wanted = Wanted { file, sha256, size: None };
    fetch::fetch(&wanted, &[Location::file("file", path)], ctx)
}

fn header_of(tarball: &Verified) -> anyhow::Result<String> {
    let dir = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(dir.path().to_path_buf())?;
    let mut select = |path: &Utf8Path| (path == PATCHLEVEL).then(|| path.to_owned());
    unpack_tar_part(tarball, &dir, 1, &mut select, &Limits::default())?;
    Ok(fs_err::read_to_string(dir.join(PATCHLEVEL))?)
}

/// Parses the three lines such as `#define PY_MICRO_VERSION 2`.
fn version(header: &str) -> Option<PatchVersion> {
    let number = |name: &str| {
        header.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let is_definition = words.next() == Some("#define") && words.next() == Some(name);
            is_definition.then(|| words.next()?.parse::<u8>().ok()).flatten()
        })
    };
    let series =
        MinorVersion { major: number("PY_MAJOR_VERSION")?, minor: number("PY_MINOR_VERSION")? };
    Some(PatchVersion { series, patch: number("PY_MICRO_VERSION")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "/* Version */\n#define PY_MAJOR_VERSION        3\n\
        #define PY_MINOR_VERSION        14\n#define PY_MICRO_VERSION        11\n\
        #define PY_VERSION              \"3.14.11+\"\n";

    fn checkout() -> (tempfile::TempDir, Utf8PathBuf, Ctx) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().join("cpython")).unwrap();
        fs_err::create_dir_all(root.join("Include")).unwrap();
        fs_err::create_dir_all(root.join(".git")).unwrap();
        fs_err::write(root.join(PATCHLEVEL), HEADER).unwrap();
        let ctx = Ctx::for_tests(root.parent().unwrap(), &[]);
        (dir, root, ctx)
    }

    #[test]
    fn checkout_is_identified_by_its_content() {
        let (_dir, root, ctx) = checkout();
        let read = || Local::read(&root, &ctx).unwrap().release.pin;
        let first = read();
        assert_eq!((first.version.to_string(), first.wasi_sdk), ("3.14.11".to_owned(), 24));
        fs_err::write(root.join(".git/index"), "x").unwrap();
        assert_eq!(read().source.sha256, first.source.sha256);
        fs_err::write(root.join("Include/Python.h"), "x").unwrap();
        assert_ne!(read().source.sha256, first.source.sha256);
    }

    #[test]
    fn wrong_sources_are_refused() {
        let (_dir, root, ctx) = checkout();
        let error = |path: &Utf8Path| format!("{:#}", Local::read(path, &ctx).unwrap_err());
        fs_err::write(root.join("pyconfig.h"), "").unwrap();
        assert!(error(&root).contains("contains a build"), "{}", error(&root));
        fs_err::remove_file(root.join("pyconfig.h")).unwrap();
        fs_err::write(root.join(PATCHLEVEL), HEADER.replace("14", "99")).unwrap();
        assert!(error(&root).contains("CPython 3.99 is not supported"), "{}", error(&root));
        fs_err::write(root.join(PATCHLEVEL), "").unwrap();
        assert!(error(&root).contains("contains no version"), "{}", error(&root));
        let nowhere = root.join("nowhere.tar.xz");
        assert!(error(&nowhere).contains("cannot read"), "{}", error(&nowhere));
        assert!(error(&root.join(".git")).contains("no CPython sources"));
    }
}
