//! Chooses the packages and the files of a lock that Python on WASI uses.

use anyhow::Context;
use camino::Utf8PathBuf;
use pep508_rs::{MarkerEnvironment, MarkerTree, VerbatimUrl};
use pywasm_recipes::{Digest, PatchVersion};
use pywasm_session::hinted;

use super::file::{File, Lock, Package};
use super::marker::environment;
use crate::{Name, WheelName};

/// A wheel to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The name of the package.
    pub name: Name,
    /// The wheel.
    pub wheel: WheelName,
    /// The location of the wheel.
    pub source: Source,
    /// The SHA-256 of the wheel.
    pub sha256: Digest,
    /// The size of the wheel in bytes, if the lock contains it.
    pub size: Option<u64>,
}

/// The location of a file of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A URL: https, http or file.
    Url(String),
    /// An absolute path.
    Path(Utf8PathBuf),
}

impl Lock {
    /// Chooses the packages whose markers are true for a Python on WASI, and the best wheel of each,
    /// sorted by name.
    ///
    /// # Errors
    /// When a package has no suitable wheel, two versions of a package are chosen, or a marker, a
    /// digest or the name of a file is not valid.
    pub fn choose(&self, python: PatchVersion) -> anyhow::Result<Vec<Chosen>> {
        let environment = environment(python)?;
        let mut chosen: Vec<Chosen> = Vec::new();
        for package in &self.packages {
            let name = &package.name;
            let of = || format!("package `{name}` in the lock");
            if !is_wanted(package, &environment).with_context(of)? {
                continue;
            }
            let one = self.wheel(package, python).with_context(of)?;
            if let Some(other) = chosen.iter().find(|it| it.name == *name) {
                let (a, b) = (other.wheel.version(), one.wheel.version());
                anyhow::bail!("the lock selects two versions of `{name}` for WASI: {a} and {b}");
            }
            chosen.push(one);
        }
        chosen.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(chosen)
    }

    fn wheel(&self, package: &Package, python: PatchVersion) -> anyhow::Result<Chosen> {
        let archive = package
            .archive
            .iter()
            .filter(|file| file.file_name().is_ok_and(|name| name.ends_with(".whl")));
        let mut best: Option<(WheelName, &File)> = None;
        for file in package.wheels.iter().chain(archive) {
            let wheel: WheelName = file.file_name()?.parse()?;
            let Some(suitability) = wheel.suitability(python.series) else { continue };
            let is_better = best
                .as_ref()
                .is_none_or(|(known, _)| Some(suitability) > known.suitability(python.series));
            if is_better {
                best = Some((wheel, file));
            }
        }
        let (wheel, file) = best.ok_or_else(|| no_wheel(package, python))?;
        if wheel.name() != &package.name {
            anyhow::bail!("the wheel `{wheel}` is for another package");
        }
        let sha256 = file.hashes.get("sha256").context("the lock has no SHA-256 of the wheel");
        let sha256 = sha256.with_context(|| format!("wheel `{wheel}`"))?.parse()?;
        let source = match (&file.path, &file.url) {
            (Some(path), _) => Source::Path(self.dir.join(path)),
            (None, Some(url)) => Source::Url(url.clone()),
            (None, None) => anyhow::bail!("the wheel `{wheel}` has neither a URL nor a path"),
        };
        Ok(Chosen { name: package.name.clone(), wheel, source, sha256, size: file.size })
    }
}

impl File {
    /// Returns the name of the file, which can be the last component of its URL or path.
    fn file_name(&self) -> anyhow::Result<&str> {
        let location = self.path.as_ref().map(|path| path.as_str()).or(self.url.as_deref());
        let last = location.map(|it| it.split(['#', '?']).next().unwrap_or(it));
        let last = last.and_then(|it| it.rsplit('/').next());
        self.name.as_deref().or(last).context("a file has no name")
    }
}

fn is_wanted(package: &Package, environment: &MarkerEnvironment) -> anyhow::Result<bool> {
    let Some(text) = &package.marker else { return Ok(true) };
    let marker = MarkerTree::parse_str::<VerbatimUrl>(text)
        .map_err(|error| anyhow::anyhow!("its marker `{text}` is not valid: {error}"))?;
    Ok(marker.evaluate(environment, &[]))
}

fn no_wheel(package: &Package, python: PatchVersion) -> anyhow::Error {
    let version = package.version.as_deref().unwrap_or("without a version");
    let hint = "build a wheel from the source with `pip wheel`, and add its path to `requirements`";
    if package.wheels.is_empty() {
        let kind = if package.sdist.is_some() { "only its source" } else { "no wheel" };
        let text = format!(
            "version {version} is published with {kind}, and this tool runs no code \
             of packages to build them"
        );
        return hinted(anyhow::anyhow!(text), hint.to_owned());
    }
    let count = package.wheels.len();
    let series = python.series;
    let text = format!("none of the {count} wheels of version {version} is for Python {series}");
    hinted(anyhow::anyhow!(text), "choose another version of the package".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8Path;

    const HEAD: &str = "lock-version = \"1.0\"\ncreated-by = \"test\"\n";

    fn package(name: &str, more: &str, files: &[&str]) -> String {
        let file = |file: &&str| {
            format!(
                "{{ url = \"https://files.example/a/{file}\", size = 3, hashes = {{ sha256 = \"{}\" }} }}",
                "ab".repeat(32)
            )
        };
        let files: Vec<String> = files.iter().map(file).collect();
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"1\"\n{more}\nwheels = [{}]\n",
            files.join(", ")
        )
    }

    fn choose(packages: &[String]) -> anyhow::Result<Vec<String>> {
        let text = format!("{HEAD}{}", packages.concat());
        let lock = Lock::parse(&text, Utf8Path::new("/project"))?;
        let chosen = lock.choose("3.13.5".parse().unwrap())?;
        Ok(chosen.iter().map(|it| it.wheel.to_string()).collect())
    }

    #[test]
    fn markers_are_evaluated_for_wasi() {
        let wheel = |name: &str| format!("{name}-1-py3-none-any.whl");
        let mut packages = Vec::new();
        for (name, marker) in [
            ("a", "sys_platform == 'wasi'"),
            ("b", "sys_platform == 'win32'"),
            ("c", "platform_machine == 'wasm32' and python_full_version >= '3.13.5'"),
            ("d", "python_full_version < '3.13.5'"),
            ("e", "os_name == 'posix' and implementation_name == 'cpython'"),
        ] {
            packages.push(package(name, &format!("marker = \"{marker}\""), &[&wheel(name)]));
        }
        assert_eq!(choose(&packages).unwrap(), [wheel("a"), wheel("c"), wheel("e")]);
    }

    #[test]
    fn pure_wheel_is_preferred() {
        let files = ["a-1-cp313-cp313-manylinux_2_17_x86_64.whl", "a-1-py3-none-any.whl"];
        assert_eq!(choose(&[package("a", "", &files)]).unwrap(), ["a-1-py3-none-any.whl"]);
        assert_eq!(choose(&[package("a", "", &files[..1])]).unwrap(), [files[0]]);
    }

    #[test]
    fn unusable_packages_are_named() {
        let sdist = "sdist = { url = \"https://files.example/a-1.tar.gz\" }";
        let digest = package("a", "", &["a-1-py3-none-any.whl"]).replace("sha256", "md5");
        for (packages, reason) in [
            (vec![package("a", sdist, &[])], "only its source"),
            (vec![package("a", "", &["a-1-cp314-cp314-any.whl"])], "is for Python 3.13"),
            (vec![package("a", "", &["b-1-py3-none-any.whl"])], "another package"),
            (vec![package("a", "marker = \"nonsense\"", &[])], "is not valid"),
            (vec![digest], "no SHA-256"),
            (vec![package("a", "", &["a-1-py3-none-any.whl"]); 2], "two versions of `a`"),
        ] {
            let error = format!("{:#}", choose(&packages).unwrap_err());
            assert!(error.contains(reason) && error.contains("`a`"), "{error}");
        }
    }

    #[test]
    fn later_format_is_refused() {
        let text = HEAD.replace("1.0", "2.0");
        let error = format!("{:#}", Lock::parse(&text, Utf8Path::new("/")).unwrap_err());
        assert!(error.contains("2.0"), "{error}");
    }
}
