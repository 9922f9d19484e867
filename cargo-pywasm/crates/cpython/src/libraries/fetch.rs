//! Fetches the sources of libraries, which are crates, through Cargo. Cargo knows the registry or
//! mirror, the proxy and the credentials that are configured on this machine.

use std::process::Command;

use camino::Utf8PathBuf;
use pywasm_recipes::CratePin;

use pywasm_session::WithHint;
use pywasm_session::variables::{CARGO, CARGO_HOME, HOME, PYWASM_UPSTREAM};
use pywasm_store::Ctx;
use pywasm_store::fetch::{self, Location, Verified, Wanted, mirror_locations, sha256_of};

/// Returns the verified `.crate` files: from the store, Cargo's cache, the registry or the mirror.
///
/// # Errors
/// When a file is not available, or is not the expected one.
pub(super) fn crates(pins: &[&CratePin], ctx: &Ctx) -> anyhow::Result<Vec<Verified>> {
    let has = |pin: &CratePin| {
        ctx.store.download(&pin.sha256, &pin.file()).exists() || in_cargo_home(pin, ctx).is_some()
    };
    let missing: Vec<_> = pins.iter().copied().filter(|pin| !has(pin)).collect();
    // If Cargo cannot download a crate, the mirror may have it.
    let outcome = if missing.is_empty() || ctx.offline || ctx.env.text(PYWASM_UPSTREAM).is_some() {
        Ok(())
    } else {
        download(&missing, ctx)
    };
    if let (Some(pin), Ok(()), false) = (pins.iter().find(|pin| !has(pin)), &outcome, ctx.offline)
        && locations(pin, ctx).is_empty()
    {
        return Err(anyhow::anyhow!("Cargo does not keep the file `{}`", pin.file())).hint(|| {
            let path = ctx.store.download(&pin.sha256, &pin.file());
            format!(
                "if Cargo is configured to use a directory of vendored crates, put the file at \
                 `{path}`, or set PYWASM_MIRROR"
            )
        });
    }
    pins.iter()
        .map(|pin| {
            let fetched = fetch::fetch(&wanted(pin), &locations(pin, ctx), ctx);
            match (fetched, &outcome) {
                (Err(error), Err(of_cargo)) => Err(error.context(of_cargo.to_string())),
                (fetched, _) => fetched,
            }
        })
        .collect()
}

fn wanted(pin: &CratePin) -> Wanted {
    Wanted { file: pin.file(), sha256: pin.sha256, size: Some(pin.size) }
}

/// Returns the locations of a crate. If `PYWASM_UPSTREAM` is set to a base URL, the first one is
/// `<base>/crates/<file>` instead of Cargo's cache.
fn locations(pin: &CratePin, ctx: &Ctx) -> Vec<Location> {
    let first = match ctx.env.text(PYWASM_UPSTREAM) {
        Some(base) => {
            let url = format!("{}/crates/{}", base.trim_end_matches('/'), pin.file());
            Some(Location::new("upstream", url))
        }
        None => in_cargo_home(pin, ctx).map(|path| Location::file("Cargo", &path)),
    };
    first.into_iter().chain(mirror_locations(&wanted(pin), &ctx.env)).collect()
}

/// Returns the path of a crate that Cargo has downloaded, if its content is the expected one. Cargo has
/// one directory per registry.
fn in_cargo_home(pin: &CratePin, ctx: &Ctx) -> Option<Utf8PathBuf> {
    let home = ctx.env.path(CARGO_HOME).or_else(|| Some(ctx.env.path(HOME)?.join(".cargo")))?;
    let registries = home.join("registry/cache").read_dir_utf8().ok()?;
    let mut paths: Vec<_> = registries
        .filter_map(|registry| Some(registry.ok()?.path().join(pin.file())))
        .filter(|path| {
            let opened = fs_err::File::open(path);
            opened.is_ok_and(|file| sha256_of(file).is_ok_and(|sha256| sha256 == pin.sha256))
        })
        .collect();
    paths.sort();
    paths.into_iter().next()
}

/// Lets Cargo download crates, with everything that they depend on.
fn download(pins: &[&CratePin], ctx: &Ctx) -> anyhow::Result<()> {
    let names: Vec<String> = pins.iter().map(|pin| pin.file()).collect();
    ctx.reporter.status("Fetching", names.join(", "));
    let dir = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(dir.path().to_path_buf())?;
    fs_err::create_dir(dir.join("src"))?;
    fs_err::write(dir.join("src/lib.rs"), "")?;
    fs_err::write(dir.join("Cargo.toml"), manifest(pins))?;
    let cargo = ctx.env.path(CARGO).unwrap_or_else(|| "cargo".into());
    // Cargo's configuration can depend on any variable, so Cargo inherits them all. It only downloads
    // here, and runs no code of the crates.
    let output = Command::new(&cargo)
        .args(["fetch", "--manifest-path"])
        .arg(dir.join("Cargo.toml"))
        .current_dir(&ctx.cwd)
        .output()
        .map_err(|error| anyhow::anyhow!("cannot run `{cargo}`: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "`cargo fetch` cannot download {}:\n{}",
        names.join(", "),
        printed.trim_end()
    );
    Ok(())
}

/// Returns the manifest of a package that depends on exactly these crates.
fn manifest(pins: &[&CratePin]) -> String {
    let mut text =
        "[package]\nname = \"pywasm-libraries\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                    publish = false\n\n[workspace]\n\n[dependencies]\n"
            .to_owned();
    for pin in pins {
        // Requirements cannot contain build metadata.
        let version = pin.version.split('+').next().unwrap_or_default();
        text.push_str(&format!("{} = \"={version}\"\n", pin.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8Path;
    use pywasm_recipes::libraries;

    fn bzip2() -> &'static CratePin {
        &libraries()[0].source
    }

    #[test]
    fn manifest_requires_exact_versions_without_metadata() {
        let manifest = manifest(&[bzip2()]);
        assert!(manifest.ends_with("[dependencies]\nbzip2-sys = \"=0.1.13\"\n"), "{manifest}");
    }

    #[test]
    fn crate_of_any_registry_is_found() {
        let home = tempfile::tempdir().unwrap();
        let home = Utf8Path::from_path(home.path()).unwrap();
        let ctx = Ctx::for_tests(home, &[(CARGO_HOME, home.as_str())]);
        assert_eq!(in_cargo_home(bzip2(), &ctx), None);
        let place = |registry: &str| {
            let dir = home.join("registry/cache").join(registry);
            fs_err::create_dir_all(&dir).unwrap();
            dir.join("bzip2-sys-0.1.13+1.0.8.crate")
        };
        let (wrong, right) = (place("a"), place("b"));
        let content = "the crate";
        fs_err::write(wrong, "another file").unwrap();
        fs_err::write(&right, content).unwrap();
        let mut pin = bzip2().clone();
        pin.sha256 = sha256_of(content.as_bytes()).unwrap();
        assert_eq!(in_cargo_home(&pin, &ctx), Some(right.clone()));
        assert_eq!(locations(&pin, &ctx)[0].url, format!("file://{right}"));
    }

    #[test]
    fn upstream_variable_replaces_cargo() {
        let home = tempfile::tempdir().unwrap();
        let variables = [(PYWASM_UPSTREAM, "http://127.0.0.1:1/up/")];
        let ctx = Ctx::for_tests(Utf8Path::from_path(home.path()).unwrap(), &variables);
        let urls: Vec<_> = locations(bzip2(), &ctx).into_iter().map(|it| it.url).collect();
        assert_eq!(urls, ["http://127.0.0.1:1/up/crates/bzip2-sys-0.1.13+1.0.8.crate"]);
    }
}
