//! The names of wheels, which contain the platforms that a wheel is for.

use std::fmt;
use std::str::FromStr;

use pywasm_recipes::MinorVersion;

use crate::Name;

/// The name of a wheel: `NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl`. Each of the last three
/// components is a list, separated by dots.
///
/// Source: PEP 427 and PEP 425.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WheelName {
    file: String,
    name: Name,
    version: String,
    pythons: Vec<String>,
    abis: Vec<String>,
    platforms: Vec<String>,
}

impl FromStr for WheelName {
    type Err = anyhow::Error;

    fn from_str(file: &str) -> Result<Self, Self::Err> {
        let stem = file.strip_suffix(".whl");
        let parts: Vec<&str> = stem.map(|stem| stem.split('-').collect()).unwrap_or_default();
        let (name, version, tags) = match parts[..] {
            [name, version, a, b, c] | [name, version, _, a, b, c] => (name, version, [a, b, c]),
            _ => anyhow::bail!("`{file}` is not the name of a wheel"),
        };
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '!'))
        };
        let is_valid = parts.iter().all(|part| is_plain(part));
        anyhow::ensure!(is_valid, "`{file}` is not the name of a wheel");
        let [pythons, abis, platforms] =
            tags.map(|tag| tag.split('.').map(str::to_owned).collect());
        let (name, version) = (Name::new(name), version.to_owned());
        Ok(Self { file: file.to_owned(), name, version, pythons, abis, platforms })
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)
    }
}

impl WheelName {
    /// Returns the file name without its extension.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.file.trim_end_matches(".whl")
    }

    /// Returns the name of the package.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the version of the package.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns true if the wheel is for every platform.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.platforms.iter().any(|platform| platform == "any")
    }

    /// Returns how well a wheel suits a Python on WASI; greater is better. Returns `None` if the
    /// wheel is for other versions of Python.
    ///
    /// Wheels for every platform are best. A wheel for another platform suits, because a package can
    /// work without its native modules; the wheels for x86-64 Linux come first among these.
    #[must_use]
    pub fn suitability(&self, series: MinorVersion) -> Option<impl Ord + use<>> {
        let python = self.pythons.iter().filter_map(|tag| python_suits(tag, series)).max()?;
        let exact = format!("cp{}{}", series.major, series.minor);
        let fits = |abi: &String| abi == "none" || abi == "abi3" || *abi == exact;
        if !self.abis.iter().any(fits) {
            return None;
        }
        let is_linux =
            self.platforms.iter().any(|it| it.starts_with("manylinux") && it.ends_with("x86_64"));
        Some((self.is_pure(), python, is_linux, std::cmp::Reverse(self.file.clone())))
    }
}

/// Returns the specificity of a Python tag, such as `py3` or `cp313`, if it includes the series.
fn python_suits(tag: &str, series: MinorVersion) -> Option<(u8, u8)> {
    let (rank, version) = match (tag.strip_prefix("cp"), tag.strip_prefix("py")) {
        (Some(version), _) => (1, version),
        (_, Some(version)) => (0, version),
        _ => return None,
    };
    let (major, minor) = version.split_at_checked(1)?;
    let (major, minor): (u8, u8) = (major.parse().ok()?, minor.parse().unwrap_or(0));
    (major == series.major && minor <= series.minor).then_some((rank, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> MinorVersion {
        "3.13".parse().unwrap()
    }

    #[test]
    fn best_wheel_is_pure_then_specific() {
        let mut wheels: Vec<WheelName> = [
            "x-1-cp312-cp312-manylinux_2_17_x86_64.whl",
            "x-1-cp39-abi3-manylinux_2_17_x86_64.whl",
            "x-1-cp313-cp313-win_amd64.whl",
            "x-1-py3-none-any.whl",
            "x-1-cp313-cp313-manylinux_2_17_x86_64.whl",
            "x-1-cp314-cp314-manylinux_2_17_x86_64.whl",
            "x-1-py2.py3-none-any.whl",
            "x-1-cp313-cp313t-manylinux_2_17_x86_64.whl",
        ]
        .iter()
        .map(|file| file.parse().unwrap())
        .collect();
        wheels.retain(|wheel| wheel.suitability(series()).is_some());
        wheels.sort_by_key(|wheel| std::cmp::Reverse(wheel.suitability(series())));
        let files: Vec<String> = wheels.iter().map(ToString::to_string).collect();
        assert_eq!(
            files,
            [
                "x-1-py2.py3-none-any.whl",
                "x-1-py3-none-any.whl",
                "x-1-cp313-cp313-manylinux_2_17_x86_64.whl",
                "x-1-cp313-cp313-win_amd64.whl",
                "x-1-cp39-abi3-manylinux_2_17_x86_64.whl",
            ]
        );
    }

    #[test]
    fn other_names_are_refused() {
        for file in
            ["x.whl", "x-1.tar.gz", "x-1-py3-none.whl", "../x-1-py3-none-any.whl", "x--a-b-c.whl"]
        {
            assert!(file.parse::<WheelName>().is_err(), "{file}");
        }
        let wheel: WheelName = "Foo_Bar-1.0-2-py3-none-any.whl".parse().unwrap();
        assert_eq!((wheel.name().as_str(), wheel.version()), ("foo-bar", "1.0"));
    }
}
