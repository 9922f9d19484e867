//! The libraries that a recipe selects.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{
    Digest, Library, LibraryChoice, MinorVersion, OptLevel, Profile, Recipe, libraries,
};
use sha2::{Digest as _, Sha256};

use crate::headers::headers_below;
use crate::tree;
use pywasm_session::WithHint;
use pywasm_store::fetch::sha256_of;

/// A library that a recipe selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The library.
    pub library: &'static Library,
    /// The origin of the compiled library.
    pub provider: Provider,
}

/// The origin of a compiled library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// This tool compiles the pinned sources with this optimization level.
    Pinned(OptLevel),
    /// The user provides an archive.
    Own {
        /// Its absolute path.
        archive: Utf8PathBuf,
        /// The directory of the headers.
        headers: Utf8PathBuf,
        /// The digest of the archive.
        sha256: Digest,
        /// The digest of the headers.
        headers_sha256: Digest,
    },
}

/// Returns the libraries that a recipe selects for a CPython series, sorted by name. Paths in the
/// recipe are absolute.
///
/// # Errors
/// When an archive of the user cannot be read, or has no directory of headers.
pub fn selected(recipe: &Recipe, series: MinorVersion) -> anyhow::Result<Vec<Selected>> {
    let chosen = libraries().iter().filter(|library| library.is_for(series));
    let chosen = chosen.filter_map(|library| {
        let choice = recipe.libraries.get(&library.name)?;
        let provider = match choice {
            LibraryChoice::Pinned => Ok(Provider::Pinned(opt_level(library, recipe))),
            LibraryChoice::Archive(path) => own(&library.name, Utf8Path::new(path)),
        };
        Some(provider.map(|provider| Selected { library, provider }))
    });
    chosen.collect()
}

fn opt_level(library: &Library, recipe: &Recipe) -> OptLevel {
    let own = library.opt_level.filter(|_| recipe.build.profile != Some(Profile::Speed));
    own.unwrap_or(OptLevel::O2)
}

fn own(name: &str, archive: &Utf8Path) -> anyhow::Result<Provider> {
    let file = fs_err::File::open(archive).with_context(|| format!("library `{name}`"))?;
    let sha256 = sha256_of(file)?;
    let prefix = archive.parent().and_then(Utf8Path::parent).unwrap_or(archive);
    let headers = prefix.join("include");
    if !headers.is_dir() {
        return Err(anyhow::anyhow!("library `{name}`: `{headers}` is not a directory"))
            .hint(|| format!("put the headers of `{archive}` into this directory"));
    }
    let headers_sha256 = tree::digest(&headers, &headers_below(&headers)?)?;
    Ok(Provider::Own { archive: archive.to_owned(), headers, sha256, headers_sha256 })
}

impl Selected {
    /// Returns the digest of everything that can change a byte of the library, except the toolchain.
    pub(crate) fn digest(&self) -> Digest {
        let text = match &self.provider {
            Provider::Pinned(level) => format!("{}\n{}", level.flag(), self.library.to_toml()),
            Provider::Own { sha256, headers_sha256, .. } => {
                format!("{}\n{sha256}\n{headers_sha256}", self.library.name)
            }
        };
        Digest::from_bytes(Sha256::digest(text).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_recipes::builtin;

    fn recipe(name: &str, libraries: &[(&str, &str)]) -> Recipe {
        let mut recipe = Recipe::parse(builtin(name).unwrap()).unwrap();
        let choice = |text: &str| LibraryChoice::try_from(text.to_owned()).unwrap();
        let choices = libraries.iter().map(|(name, text)| ((*name).to_owned(), choice(text)));
        recipe.libraries = choices.collect();
        recipe
    }

    fn names(recipe: &Recipe, series: &str) -> Vec<String> {
        let selected = selected(recipe, series.parse().unwrap()).unwrap();
        selected.into_iter().map(|one| one.library.name.clone()).collect()
    }

    #[test]
    fn only_listed_libraries_of_the_series_are_selected() {
        let recipe = recipe("default", &[("zstd", "pinned"), ("zlib", "pinned")]);
        assert_eq!(names(&recipe, "3.14"), ["zlib", "zstd"]);
        assert_eq!(names(&recipe, "3.13"), ["zlib"]);
    }

    #[test]
    fn sqlite_is_small_unless_the_recipe_is_for_speed() {
        let level = |name| {
            let recipe = recipe(name, &[("sqlite", "pinned")]);
            selected(&recipe, recipe.python.series()).unwrap()[0].clone()
        };
        assert_eq!(level("default").provider, Provider::Pinned(OptLevel::Os));
        assert_eq!(level("speed").provider, Provider::Pinned(OptLevel::O2));
        assert_ne!(level("default").digest(), level("speed").digest());
    }

    #[test]
    fn own_archive_needs_headers_and_changes_the_digest() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let archive = dir.join("wasi/lib/libz.a");
        let recipe = recipe("default", &[("zlib", archive.as_str())]);
        let select = || selected(&recipe, recipe.python.series());
        let error = || format!("{:#}", select().unwrap_err());
        assert!(error().contains("library `zlib`") && error().contains("libz.a"), "{}", error());
        fs_err::create_dir_all(dir.join("wasi/lib")).unwrap();
        fs_err::write(dir.join("wasi/lib/libz.a"), "one").unwrap();
        assert!(error().contains("wasi/include` is not a directory"), "{}", error());
        fs_err::create_dir(dir.join("wasi/include")).unwrap();
        let zero = select().unwrap()[0].digest();
        fs_err::create_dir(dir.join("wasi/include/sub")).unwrap();
        fs_err::write(dir.join("wasi/include/sub/zlib.h"), "").unwrap();
        let one = select().unwrap()[0].digest();
        assert_ne!(zero, one);
        fs_err::write(dir.join("wasi/lib/libz.a"), "two").unwrap();
        assert_ne!(select().unwrap()[0].digest(), one);
    }
}
