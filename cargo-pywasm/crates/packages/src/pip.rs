//! The indexes that pip is configured for, and downloads with pip.

use std::process::Command;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use configparser::ini::Ini;
use pywasm_recipes::PinnedWheel;
use pywasm_session::variables::{HOME, PATH};
use pywasm_session::{Environment, WithHint};
use pywasm_store::Ctx;
use pywasm_store::fetch::{Location, Verified, Wanted, fetch, mirror_locations};

/// pip's options that uv has as well, and uv's variables for them.
const OPTIONS: [(&str, &str); 4] = [
    ("index-url", "UV_DEFAULT_INDEX"),
    ("extra-index-url", "UV_INDEX"),
    ("find-links", "UV_FIND_LINKS"),
    ("cert", "SSL_CERT_FILE"),
];

/// Returns the variables that give uv the indexes of pip's configuration. Variables that are set for
/// uv itself have precedence.
///
/// Source: <https://pip.pypa.io/en/stable/topics/configuration/>.
pub(crate) fn variables_for_uv(env: &Environment) -> Vec<(&'static str, String)> {
    let files: Vec<Ini> = files(env).iter().filter_map(|path| read(path)).collect();
    let option = |name: &str| {
        let variable = format!("PIP_{}", name.to_uppercase().replace('-', "_"));
        let of_file = |file: &Ini| file.get("global", name).filter(|value| !value.is_empty());
        env.text(&variable).map(str::to_owned).or_else(|| files.iter().find_map(of_file))
    };
    let is_set = |variable: &str| {
        env.text(variable).is_some()
            || (variable == "UV_DEFAULT_INDEX" && env.text("UV_INDEX_URL").is_some())
    };
    let wanted = OPTIONS.iter().filter(|(_, variable)| !is_set(variable));
    wanted.filter_map(|(name, variable)| Some((*variable, option(name)?))).collect()
}

/// Reads a configuration file, if it exists. pip itself reports files that are not valid.
fn read(path: &Utf8Path) -> Option<Ini> {
    let mut file = Ini::new();
    file.load(path).ok()?;
    Some(file)
}

/// Returns pip's configuration files, those with precedence first.
fn files(env: &Environment) -> Vec<Utf8PathBuf> {
    if let Some(path) = env.path("PIP_CONFIG_FILE") {
        return vec![path];
    }
    let home = env.path(HOME);
    let config = env.path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let user = config.map(|dir| dir.join("pip/pip.conf"));
    let legacy = home.map(|dir| dir.join(".pip/pip.conf"));
    user.into_iter().chain(legacy).chain([Utf8PathBuf::from("/etc/pip.conf")]).collect()
}

/// Downloads a pinned wheel from the mirror or, with pip, from the index that pip is configured for.
///
/// # Errors
/// When there is no pip, or the file cannot be downloaded or has a wrong digest.
pub(crate) fn download(
    name: &str,
    version: &str,
    wheel: &PinnedWheel,
    ctx: &Ctx,
) -> anyhow::Result<Verified> {
    let wanted = Wanted { file: wheel.file.clone(), sha256: wheel.sha256, size: Some(wheel.size) };
    let mirrors = mirror_locations(&wanted, &ctx.env);
    let of_mirror = fetch(&wanted, &mirrors, ctx);
    if of_mirror.is_ok() || ctx.offline {
        return of_mirror;
    }
    let scratch = tempfile::tempdir()?;
    let dir =
        Utf8Path::from_path(scratch.path()).context("the temporary directory is not UTF-8")?;
    ctx.reporter.status("Downloading", format!("{name} {version} with pip"));
    let platform =
        wheel.file.trim_end_matches(".whl").rsplit(['-', '.']).next().unwrap_or_default();
    let python = ctx.env.program("python3").context("there is no `python3` on PATH");
    let python = python.with_context(|| format!("cannot download {name}")).hint(hint)?;
    let output = Command::new(&python)
        .args(["-I", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"])
        .args(["--disable-pip-version-check", "--dest", dir.as_str(), "--platform", platform])
        .arg(format!("{name}=={version}"))
        .env_clear()
        .envs(variables(&ctx.env))
        .output()
        .with_context(|| format!("cannot run `{python}`"))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        return Err(anyhow::anyhow!(
            "pip cannot download {name} {version}:\n{}",
            printed.trim_end()
        ))
        .hint(hint);
    }
    fetch(&wanted, &[Location::file("pip", &dir.join(&wheel.file))], ctx)
}

fn hint() -> String {
    "install pip (Debian: `apt install python3-pip`), or set PYWASM_UV to the path of uv".to_owned()
}

/// Returns the variables that pip and uv see: their own, those for certificates and proxies, and the
/// directories of their caches.
pub(crate) fn variables(env: &Environment) -> Vec<(&str, &str)> {
    let is_seen = |name: &str| {
        [HOME, PATH, "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"].contains(&name)
            || ["PIP_", "UV_", "XDG_"].iter().any(|prefix| name.starts_with(prefix))
            || name.to_lowercase().ends_with("_proxy")
    };
    env.texts().filter(|(name, _)| is_seen(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_of_pip_are_those_of_uv() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("pip.conf");
        let text = "[global]\nindex-url = https://index.example/simple\ncert = /ca.pem\n";
        fs_err::write(&path, text).unwrap();
        let env = |more: &[(&str, &str)]| {
            let mut all = vec![("PIP_CONFIG_FILE", path.as_str())];
            all.extend(more);
            variables_for_uv(&Environment::of(&all))
        };
        let index = ("UV_DEFAULT_INDEX", "https://index.example/simple".to_owned());
        let cert = ("SSL_CERT_FILE", "/ca.pem".to_owned());
        assert_eq!(env(&[]), [index, cert.clone()]);
        let other = ("UV_DEFAULT_INDEX", "https://other.example".to_owned());
        assert_eq!(env(&[("PIP_INDEX_URL", "https://other.example")]), [other, cert.clone()]);
        assert_eq!(env(&[("UV_INDEX_URL", "https://uv.example")]), [cert]);
    }
}
