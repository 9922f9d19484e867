//! A request for an installation, and the key of the resulting installation.

use std::fmt;

use camino::Utf8PathBuf;
use pywasm_recipes::{CpythonPin, Digest, LibraryChoice, Recipe};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::local::Local;
use super::release::Evidence;
use crate::build::BuildPython;
use crate::libraries::Selected;
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_toolchain::{Toolchain, ToolchainRequest};

/// The version of the build process. It is incremented with each change to this tool that changes
/// the bytes of an installation. Installations from earlier versions are kept, but do not satisfy
/// new requests.
const BUILD_FORMAT: u32 = 22;

/// A request for an installation, resolved to a release.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The release.
    pub pin: &'a CpythonPin,
    /// The source of the release's digest.
    pub evidence: Evidence,
    /// The sources of the release, if the user specifies them.
    pub local: Option<&'a Local>,
    /// The C libraries that the recipe selects.
    pub libraries: Vec<Selected>,
    /// The toolchains that may build the installation.
    pub toolchain: ToolchainRequest,
    /// The program that generates the frozen modules.
    pub build_python: BuildPython,
    /// True if configure uses recorded results. They do not change the resulting installation.
    pub seeded: bool,
}

/// The digest of everything that can change a byte of the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey(Digest);

impl RequestKey {
    /// Returns the first eight digits, which are the last part of the installation's name.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Request<'_> {
    /// Returns the installation's name without its key, such as
    /// `cpython-3.13.15-wasm32-wasip1-default`.
    #[must_use]
    pub fn name(&self) -> String {
        let target = pywasm_build::TARGET;
        format!("cpython-{}-{target}-{}", self.pin.version, self.recipe.name)
    }

    /// Returns the digest of everything that the key covers except the toolchain.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        let mut field = |name: &str, value: &str| {
            hash.update(format!("{name} {}\n{value}\n", value.len()));
        };
        field("format", &BUILD_FORMAT.to_string());
        field("version", &self.pin.version.to_string());
        field("source", &self.pin.source.sha256.to_string());
        field("changes", &pywasm_recipes::changes(self.pin.series()));
        let mut recipe = self.recipe.clone();
        for choice in recipe.libraries.values_mut() {
            // The digests of the libraries cover the content of archives, wherever they are.
            *choice = LibraryChoice::Pinned;
        }
        field("recipe", &recipe.to_toml());
        for one in &self.libraries {
            field("library", &one.digest().to_string());
        }
        if let Some(data) = self.recipe.build.training(self.pin.series()) {
            field("training", &Digest::from_bytes(Sha256::digest(data).into()).to_string());
        }
        // Code frozen by a native Python is equivalent to code frozen by the C freezer, but may
        // contain different reference flags (`FLAG_REF` in CPython's `marshal.c`).
        if let BuildPython::Given { version, .. } = &self.build_python {
            field("build-python", version);
        }
        Digest::from_bytes(hash.finalize().into())
    }

    /// Returns the key of the installation that this toolchain builds.
    #[must_use]
    pub fn key(&self, toolchain: &Toolchain) -> RequestKey {
        let mut hash = Sha256::new();
        hash.update(self.digest().to_string());
        hash.update(&toolchain.identity);
        RequestKey(Digest::from_bytes(hash.finalize().into()))
    }

    /// Returns the directory of an existing installation that has the digest of this request and
    /// was built by a toolchain that the request accepts. `auto` accepts any toolchain.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find_installed(&self, ctx: &Ctx) -> anyhow::Result<Option<Utf8PathBuf>> {
        let prefix = format!("{}-", self.name());
        let digest = self.digest().to_string();
        for key in ctx.store.keys(Bucket::Installs)? {
            if !key.starts_with(&prefix) {
                continue;
            }
            let root = ctx.store.entry(Bucket::Installs, &key);
            // Skip an installation that cannot be read. `install` replaces it with a new one.
            let Ok(python) = pywasm_build::Installation::open(&root) else { continue };
            let Ok(built) = serde_json::from_str::<Built>(python.manifest()) else { continue };
            let BuiltBy { source, root: path } = &built.toolchain;
            if built.request == digest && self.toolchain.accepts(source, path) {
                return Ok(Some(root));
            }
        }
        Ok(None)
    }
}

/// The manifest fields that determine which requests an installation satisfies.
#[derive(Deserialize)]
struct Built {
    request: String,
    toolchain: BuiltBy,
}

#[derive(Deserialize)]
struct BuiltBy {
    source: String,
    root: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_recipes::builtin;

    fn recipe(name: &str) -> Recipe {
        Recipe::parse(builtin(name).unwrap()).unwrap()
    }

    fn request<'a>(recipe: &'a Recipe, version: &str) -> Request<'a> {
        Request {
            recipe,
            pin: CpythonPin::resolve(version.parse().unwrap()).unwrap(),
            evidence: Evidence::Pin,
            local: None,
            libraries: Vec::new(),
            toolchain: ToolchainRequest::Auto,
            build_python: BuildPython::None,
            seeded: true,
        }
    }

    #[test]
    fn digest_covers_recipe_and_release() {
        let (default, full) = (recipe("default"), recipe("full"));
        let mut o3 = default.clone();
        o3.build.opt_level = pywasm_recipes::OptLevel::O3;
        let digest = |recipe, version| request(recipe, version).digest();
        let digests = [
            digest(&default, "3.13"),
            digest(&full, "3.13"),
            digest(&o3, "3.13"),
            digest(&default, "3.13.5"),
        ];
        for (number, one) in digests.iter().enumerate() {
            assert!(!digests[..number].contains(one));
        }
        assert_eq!(digest(&default, "3.13"), digest(&default, "3.13.15"));
    }

    #[test]
    fn digest_covers_a_native_python() {
        let recipe = recipe("default");
        let own = request(&recipe, "3.13");
        let version = "3.13.2 (main)".to_owned();
        let given = BuildPython::Given { path: "/usr/bin/python3.13".into(), version };
        let other = Request { build_python: given, ..own.clone() };
        assert_ne!(own.digest(), other.digest());
    }

    #[test]
    fn digest_ignores_seeding() {
        let recipe = recipe("default");
        let seeded = request(&recipe, "3.13");
        let unseeded = Request { seeded: false, ..seeded.clone() };
        assert_eq!(seeded.digest(), unseeded.digest());
    }
}
