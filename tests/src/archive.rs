//! The package archive of `fixtures/archive`, served on this machine, and a machine that uses it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use crate::{Answer, Fresh, Server};

/// The files of the archive by their paths, as they are to be served: tests change them first.
#[derive(Clone, Debug)]
pub struct Archive {
    files: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    /// The archive as it lies in the fixtures, its indexes under their digests, too.
    ///
    /// # Panics
    /// When the fixtures can't be read.
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

    /// Changes every file whose path contains this.
    ///
    /// # Panics
    /// When there is none: the test would test nothing.
    #[must_use]
    pub fn change(mut self, path: &str, change: impl Fn(&mut Vec<u8>)) -> Self {
        let mut count = 0;
        for (_, bytes) in self.files.iter_mut().filter(|(name, _)| name.contains(path)) {
            change(bytes);
            count += 1;
        }
        assert!(count > 0, "no file is called {path}");
        self
    }

    /// Removes every file whose path contains this.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.files.retain(|name, _| !name.contains(path));
        self
    }

    /// Serves it below `/debian`.
    #[must_use]
    pub fn serve(self, server: Server) -> Server {
        self.files.into_iter().fold(server, |server, (path, bytes)| {
            server.answer(&format!("/debian/{path}"), Answer::File(bytes))
        })
    }
}

/// A machine whose apt has these sources. `{archive}` in them is the archive's base, and `{key}`
/// its keyring, under a name that tells the distribution's own; `{other-key}` is the same under
/// another name. The official SDK's upstream is the same server, which does not have it.
///
/// # Panics
/// When the files can't be written.
#[must_use]
pub fn machine(sources: &str, server: &Server) -> Fresh {
    let path = std::env::var("PATH").expect("a PATH: gpgv is found there");
    machine_with_path(sources, server, &path)
}

/// [`machine`] with another `PATH`.
///
/// # Panics
/// When the files can't be written.
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

/// The directory of the fixtures.
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
