//! What is asked for, and the key that names what would answer it.

use std::fmt;

use camino::Utf8PathBuf;
use pywasm_recipes::{CpythonPin, Digest, Recipe};
use sha2::{Digest as _, Sha256};

use crate::cpython::BuildPython;
use pywasm_store::Bucket;
use pywasm_store::Ctx;
use pywasm_toolchain::{Toolchain, ToolchainRequest};

/// Counts changes of this tool that change the bytes of a result: then everything is
/// built anew, and old installations stay as they are.
const BUILD_FORMAT: u32 = 13;

/// A request for an installation, resolved to a pinned release.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The release.
    pub pin: &'a CpythonPin,
    /// Which toolchain may build it.
    pub toolchain: ToolchainRequest,
    /// Who freezes.
    pub build_python: BuildPython,
    /// Whether measured configure answers are used; the result is the same either way.
    pub seeded: bool,
}

/// A digest of everything that can change a byte of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey(Digest);

impl RequestKey {
    /// The first eight digits, which end the installation's name.
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
    /// The installation's name without its key: `cpython-3.13.15-wasm32-wasip1-default`.
    #[must_use]
    pub fn name(&self) -> String {
        let target = pywasm_build::TARGET;
        format!("cpython-{}-{target}-{}", self.pin.version, self.recipe.name)
    }

    /// The part of the key that is known before a toolchain is.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        let mut field = |name: &str, value: &str| {
            hash.update(format!("{name} {}\n{value}\n", value.len()));
        };
        field("format", &BUILD_FORMAT.to_string());
        field("version", &self.pin.version.to_string());
        field("source", &self.pin.source.sha256.to_string());
        field("recipe", &self.recipe.to_toml());
        if let Some(data) = self.recipe.build.training(self.pin.series()) {
            field("training", &Digest::from_bytes(Sha256::digest(data).into()).to_string());
        }
        // Two freezers mean the same and may write it with other reference flags.
        if let BuildPython::Given { version, .. } = &self.build_python {
            field("build-python", version);
        }
        Digest::from_bytes(hash.finalize().into())
    }

    /// The whole key.
    #[must_use]
    pub fn key(&self, toolchain: &Toolchain) -> RequestKey {
        let mut hash = Sha256::new();
        hash.update(self.digest().to_string());
        hash.update(&toolchain.identity);
        RequestKey(Digest::from_bytes(hash.finalize().into()))
    }

    /// An installation that answers this request: same recipe, same release, and the
    /// toolchain that was asked for; `auto` takes what any toolchain built.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn find_installed(&self, ctx: &Ctx) -> anyhow::Result<Option<Utf8PathBuf>> {
        let prefix = format!("{}-", self.name());
        let digest = self.digest().to_string();
        for key in ctx.store.keys(Bucket::Installs)? {
            if !key.starts_with(&prefix) {
                continue;
            }
            let root = ctx.store.entry(Bucket::Installs, &key);
            // One that can't be read does not answer; the install that follows replaces it.
            let Ok(python) = pywasm_build::Installation::open(&root) else { continue };
            let text = |pointer: &str| python.manifest().pointer(pointer)?.as_str();
            let toolchain = text("/toolchain/road").unwrap_or_default();
            let path = text("/toolchain/root").unwrap_or_default();
            if text("/request") == Some(&digest) && self.toolchain.accepts(toolchain, path) {
                return Ok(Some(root));
            }
        }
        Ok(None)
    }
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
            toolchain: ToolchainRequest::Auto,
            build_python: BuildPython::None,
            seeded: true,
        }
    }

    #[test]
    fn whatever_changes_the_bytes_changes_the_digest() {
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
    fn a_given_build_python_is_part_of_the_digest() {
        let recipe = recipe("default");
        let own = request(&recipe, "3.13");
        let version = "3.13.2 (main)".to_owned();
        let given = BuildPython::Given { path: "/usr/bin/python3.13".into(), version };
        let other = Request { build_python: given, ..own.clone() };
        assert_ne!(own.digest(), other.digest());
    }

    #[test]
    fn seeding_does_not_change_the_digest() {
        let recipe = recipe("default");
        let seeded = request(&recipe, "3.13");
        let asked = Request { seeded: false, ..seeded.clone() };
        assert_eq!(seeded.digest(), asked.digest());
    }
}
