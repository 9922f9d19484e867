//! Reads the machine's own package archives (Debian or Ubuntu), without root privileges and without
//! apt.
//!
//! Packages are verified as apt verifies them: <https://manpages.debian.org/apt-secure.8>. The
//! release file must be signed with a key from the keyrings of the machine's package sources. It
//! contains the digests of the package indexes, which contain the digests of the packages. Nothing
//! is installed.
//!
//! Only archives that the machine uses are read. In these archives, suites that the machine does
//! not use may also be searched. They are identified by role (`stable`, `testing`).

mod binaryen;
mod date;
mod error;
mod index;
mod release;
mod rust;
mod select;
mod signature;
mod sources;
mod stanza;
mod suite;
mod tarballs;
mod version;

pub use binaryen::choose_binaryen;
pub(crate) use binaryen::is_part_of_binaryen;
pub use error::ReleaseError;
pub use index::{Package, packages};
pub use release::Release;
pub use rust::choose_rust;
pub(crate) use rust::is_part_of_rust;
pub(crate) use select::is_candidate;
pub use select::{LlvmPackages, choose_libc, choose_llvm};
pub use sources::{Keyring, Source, parse_deb822, parse_one_line};
pub use suite::SuitePackages;
pub use tarballs::{Tarball, tarballs};

use camino::Utf8PathBuf;
use pywasm_session::variables::PYWASM_APT_SOURCES;
use pywasm_store::Ctx;

/// The directory that contains apt's configuration.
const APT: &str = "/etc/apt";

/// Returns the machine's package sources in apt's order: first those in `sources.list`, then those
/// in `sources.list.d`.
///
/// # Errors
/// When a file cannot be read.
pub fn sources(ctx: &Ctx) -> anyhow::Result<Vec<Source>> {
    let base = ctx.env.path(PYWASM_APT_SOURCES).unwrap_or_else(|| Utf8PathBuf::from(APT));
    let mut files = vec![base.join("sources.list")];
    if let Ok(entries) = base.join("sources.list.d").read_dir_utf8() {
        let mut more: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.into_path())).collect();
        more.sort();
        files.extend(more);
    }
    let mut sources = Vec::new();
    for file in files.into_iter().filter(|file| file.is_file()) {
        let text = || fs_err::read_to_string(&file);
        match file.extension() {
            Some("list") => sources.extend(parse_one_line(&text()?)),
            Some("sources") => sources.extend(parse_deb822(&text()?)),
            _ => {}
        }
    }
    Ok(sources)
}

/// Returns the base URIs of the machine's Debian and Ubuntu archives, from which files with a
/// pinned digest can be fetched. The archives are recognized by their keyrings, without network
/// access.
#[must_use]
pub fn archives(ctx: &Ctx) -> Vec<String> {
    let mut uris = Vec::new();
    for source in sources(ctx).unwrap_or_default() {
        if source.keyring.is_distribution() && !uris.contains(&source.uri) {
            uris.push(source.uri);
        }
    }
    uris
}

/// Returns Debian's name for the machine's architecture.
#[must_use]
pub fn architecture() -> Option<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        _ => None,
    }
}
