//! The package archive in `fixtures/archive`, served locally, and a machine that uses it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use crate::{Answer, Fresh, Server};

/// The files of the archive, keyed by path. Tests change them before they are served.
#[derive(Clone, Debug)]
pub struct Archive {
    files: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    /// Reads the archive, and adds its indexes under paths that contain their digests (`by-hash`).
    ///
    /// # Panics
    /// If the fixtures cannot be read.
    #[must_use]
    pub fn read() -> Self {
        let mut files = BTreeMap::new();
        let root = fixtures();
        for top in ["dists", "pool"] {
            read_below(&root, &root.join(top), &mut files);
        }
        let by_hash: Vec<_> = files
            .iter()
            .filter_map(|(path, bytes)| {
                let dir = path.strip_suffix("/Packages.xz")?;
                Some((format!("{dir}/by-hash/SHA256/{}", hex(bytes)), bytes.clone()))
            })
            .collect();
        files.extend(by_hash);
        Self { files }
    }

    /// Changes every file whose path contains `path`.
    ///
    /// # Panics
    /// If no file matches, because the test would then check nothing.
    #[must_use]
    pub fn change(mut self, path: &str, change: impl Fn(&mut Vec<u8>)) -> Self {
        let mut count = 0;
        for (_, bytes) in self.files.iter_mut().filter(|(name, _)| name.contains(path)) {
            change(bytes);
            count += 1;
        }
        assert!(count > 0, "no file matches {path}");
        self
    }

    /// Removes every file whose path contains `path`.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.files.retain(|name, _| !name.contains(path));
        self
    }

    /// Adds the files to a server, below `/debian`.
    #[must_use]
    pub fn serve(self, server: Server) -> Server {
        self.files.into_iter().fold(server, |server, (path, bytes)| {
            server.answer(&format!("/debian/{path}"), Answer::File(bytes))
        })
    }
}

/// Creates a machine whose apt uses these sources. In the sources, `{archive}` is replaced with the
/// archive's URL, `{key}` with a keyring that is named like the distribution's own, and
/// `{other-key}` with the same keyring under another name. Downloads of the official WASI SDK also
/// go to this server, which does not provide it.
///
/// # Panics
/// If the files cannot be written.
#[must_use]
pub fn machine(sources: &str, server: &Server) -> Fresh {
    let path = std::env::var("PATH").expect("PATH, to find gpgv");
    machine_with_path(sources, server, &path)
}

/// Creates a machine like [`machine`], but with this `PATH`.
///
/// # Panics
/// If the files cannot be written.
#[must_use]
pub fn machine_with_path(sources: &str, server: &Server, path: &str) -> Fresh {
    let mut fresh = Fresh::new(&[]);
    let apt = fresh.root().join("apt");
    std::fs::create_dir_all(apt.join("sources.list.d")).expect("a directory");
    let (key, other) = (apt.join("debian-archive-test.gpg"), apt.join("company.gpg"));
    for keyring in [&key, &other] {
        std::fs::copy(fixtures().join("archive.gpg"), keyring).expect("a copy of the keyring");
    }
    let text = sources
        .replace("{archive}", &server.url("/debian"))
        .replace("{key}", key.as_str())
        .replace("{other-key}", other.as_str());
    let file = if text.contains("Types:") { "sources.list.d/a.sources" } else { "sources.list" };
    std::fs::write(apt.join(file), text).expect("a list of sources");
    fresh.ctx.env = pywasm_session::Environment::of(&[
        ("PATH", path),
        ("PYWASM_APT_SOURCES", apt.as_str()),
        ("PYWASM_UPSTREAM", &server.url("/upstream")),
    ]);
    fresh
}

/// Returns the directory that contains the fixtures.
#[must_use]
pub fn fixtures() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/archive")
}

fn read_below(root: &Utf8Path, dir: &Utf8Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in dir.read_dir_utf8().expect("the fixtures") {
        let path = entry.expect("an entry of the fixtures").into_path();
        if path.is_dir() {
            read_below(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("a path below the root");
            files.insert(name.to_string(), std::fs::read(&path).expect("a fixture"));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    pywasm_recipes::Digest::from_bytes(Sha256::digest(bytes).into()).to_string()
}
