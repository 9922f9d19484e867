//! The arguments of Cargo that select packages.

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Package;

/// The packages that Cargo's arguments select.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoArgs {
    /// The argument of `--manifest-path`.
    pub(super) manifest: Option<Utf8PathBuf>,
    /// The arguments of `--package`.
    packages: Vec<String>,
    /// True for `--workspace`.
    pub(super) is_workspace: bool,
}

impl CargoArgs {
    /// Reads the arguments after Cargo's subcommand. All other arguments are ignored, because Cargo
    /// checks them.
    #[must_use]
    pub fn new(args: &[String]) -> Self {
        let mut found = Self::default();
        let mut words = args.iter().map(String::as_str).take_while(|word| *word != "--");
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => match word.strip_prefix("-p") {
                    Some(value) if !value.is_empty() => ("-p", Some(value)),
                    _ => (word, None),
                },
            };
            match name {
                "--manifest-path" => {
                    found.manifest = value.or_else(|| words.next()).map(Utf8PathBuf::from);
                }
                "--package" | "-p" => {
                    // `--package` without a value makes Cargo list the packages.
                    found.packages.extend(value.or_else(|| words.next()).map(str::to_owned));
                }
                "--workspace" | "--all" => found.is_workspace = true,
                _ => {}
            }
        }
        found
    }

    /// Creates arguments that select the crate or workspace with this Cargo.toml.
    pub(super) fn of(manifest: Utf8PathBuf) -> Self {
        Self { manifest: Some(manifest), ..Self::default() }
    }

    /// Returns the packages that `--package` selects.
    pub(super) fn selected<'a>(&self, packages: &'a [Package]) -> Vec<&'a Package> {
        let is_selected =
            |package: &&Package| self.packages.iter().any(|spec| matches(spec, package));
        packages.iter().filter(is_selected).collect()
    }

    /// Returns the manifest's absolute path.
    pub(super) fn manifest(&self, cwd: &Utf8Path) -> Option<Utf8PathBuf> {
        let path = cwd.join(self.manifest.as_ref()?);
        // Cargo reports canonical paths.
        Some(path.canonicalize_utf8().unwrap_or(path))
    }
}

/// Returns true if a package id specification selects a package.
///
/// Source: "Package ID Specifications" in the Cargo book.
fn matches(spec: &str, package: &Package) -> bool {
    let name = package.name.as_str();
    let version = package.version.to_string();
    let is_version = |text: &str| {
        version == text || version.strip_prefix(text).is_some_and(|rest| rest.starts_with('.'))
    };
    if package.id.repr == spec {
        return true;
    }
    // `URL#NAME`, `URL#NAME@VERSION` or, if the name is the last part of the URL, `URL#VERSION`.
    let spec = spec.rsplit_once('#').map_or(spec, |(_, rest)| rest);
    match spec.split_once(['@', ':']) {
        Some((of, version)) => of == name && is_version(version),
        // Cargo accepts glob patterns.
        None => glob::Pattern::new(spec).is_ok_and(|pattern| pattern.matches(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> CargoArgs {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        CargoArgs::new(&words)
    }

    #[test]
    fn options_have_several_forms() {
        for line in ["-p one --package two", "-pone --package=two", "-p=one -ptwo --release"] {
            assert_eq!(args(line).packages, ["one", "two"], "{line}");
        }
        for line in ["--manifest-path a/Cargo.toml", "--lib --manifest-path=a/Cargo.toml"] {
            assert_eq!(args(line).manifest.unwrap(), "a/Cargo.toml");
        }
        assert!(args("--workspace").is_workspace && !args("--lib").is_workspace);
        assert_eq!(args("-- -p one --manifest-path x --workspace"), CargoArgs::default());
    }
}
