//! The requirements of a project, and their resolution to a lock.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Digest, MinorVersion};
use pywasm_session::WithHint;
use pywasm_store::{Ctx, stage_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::lock::Origin;
use crate::{Lock, uv};

/// The key `requirements`: a list of requirements (PEP 508), or the path of a file with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a list of requirements, or the path of a file with them")]
pub enum Requirements {
    /// Requirements, such as `jinja2>=3`, and paths of wheels.
    List(Vec<String>),
    /// The path of a `requirements.txt`, `pyproject.toml`, `uv.lock` or `pylock.toml`.
    File(Utf8PathBuf),
}

/// The name of a lock that this tool writes.
const LOCK: &str = "pylock.toml";

impl Requirements {
    /// Returns true if there are no requirements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::List(list) if list.is_empty())
    }

    /// Returns the files with requirements, relative to the project.
    #[must_use]
    pub fn files(&self) -> &[Utf8PathBuf] {
        match self {
            Self::File(path) => std::slice::from_ref(path),
            Self::List(_) => &[],
        }
    }

    /// Returns the path of the lock of the project in `dir`.
    #[must_use]
    pub fn lock_path(&self, dir: &Utf8Path) -> Utf8PathBuf {
        match self {
            Self::File(path) if is_lock(path) => dir.join(path),
            _ => dir.join(LOCK),
        }
    }

    /// Reads the lock of the project in `dir`. Returns `None` if there is no lock, or if it was
    /// resolved for other requirements or another Python.
    ///
    /// # Errors
    /// When the lock or the file with the requirements cannot be read.
    pub fn locked(&self, dir: &Utf8Path, python: MinorVersion) -> anyhow::Result<Option<Lock>> {
        let path = self.lock_path(dir);
        if matches!(self, Self::File(file) if is_lock(file)) {
            return Lock::read(&path).map(Some);
        }
        if !path.is_file() {
            return Ok(None);
        }
        let lock = Lock::read(&path)?;
        // A lock of another tool is the user's own choice.
        let origin = self.origin(dir, python)?;
        Ok(lock.origin().is_none_or(|it| *it == origin).then_some(lock))
    }

    fn origin(&self, dir: &Utf8Path, python: MinorVersion) -> anyhow::Result<Origin> {
        Ok(match self {
            Self::List(list) => Origin { python, requirements: list.clone(), sha256: None },
            Self::File(file) => {
                let text = fs_err::read(dir.join(file))
                    .with_context(|| format!("cannot read the requirements `{file}`"))?;
                let sha256 = Some(Digest::from_bytes(Sha256::digest(&text).into()));
                Origin { python, requirements: vec![file.to_string()], sha256 }
            }
        })
    }
}

/// Resolves the requirements of the project in `dir` with uv, and writes the lock. Versions in an
/// existing lock are kept, unless `upgrade` is true.
///
/// # Errors
/// When uv is not available or finds no solution, or the lock cannot be written.
pub fn resolve(
    requirements: &Requirements,
    dir: &Utf8Path,
    python: MinorVersion,
    upgrade: bool,
    ctx: &Ctx,
) -> anyhow::Result<Lock> {
    let path = requirements.lock_path(dir);
    let origin = requirements.origin(dir, python)?;
    if matches!(requirements, Requirements::File(file) if is_lock(file)) {
        return Lock::read(&path);
    }
    ctx.reporter.status("Resolving", "Python packages");
    // uv writes next to the lock, because paths of wheels are relative to the lock.
    let scratch = tempfile::Builder::new().prefix(".pywasm-lock-").tempdir_in(dir)?;
    let scratch_dir = Utf8Path::from_path(scratch.path()).context("the path is not UTF-8")?;
    let (input, output) = (scratch_dir.join("requirements.in"), scratch_dir.join(LOCK));
    if !upgrade && path.is_file() {
        fs_err::copy(&path, &output)?;
    }
    let python = python.to_string();
    let mut args = match requirements {
        Requirements::File(file) if file.file_name() == Some("uv.lock") => {
            let project = file.parent().filter(|it| !it.as_str().is_empty());
            let project = project.map_or(".", Utf8Path::as_str);
            vec!["export", "--frozen", "--no-dev", "--no-emit-project", "--project", project]
        }
        Requirements::File(file) => vec!["pip", "compile", file.as_str()],
        Requirements::List(list) => {
            fs_err::write(&input, list.join("\n"))?;
            vec!["pip", "compile", input.as_str()]
        }
    };
    if args[0] == "pip" {
        args.extend(["--universal", "--no-build", "--python-version", &python]);
        args.extend(["--custom-compile-command", "cargo pywasm lock"]);
    }
    args.extend(["--format", "pylock.toml", "--output-file", output.as_str(), "--quiet"]);
    uv::run(&args, dir, ctx).context("cannot resolve the requirements").hint(|| {
        "a package that is published only as source needs a wheel: build it with `pip wheel` and \
         add its path to `requirements`"
            .to_owned()
    })?;
    let text = fs_err::read_to_string(&output)? + &origin.to_toml()?;
    let lock = Lock::parse(&text, dir).context("uv wrote an invalid lock")?;
    let staged = stage_file(&path, text.as_bytes())?;
    staged.persist(&path).with_context(|| format!("cannot write `{path}`"))?;
    ctx.reporter.status("Locked", &path);
    Ok(lock)
}

/// Returns true for the names of lock files.
///
/// Source: PEP 751, "File Name".
fn is_lock(path: &Utf8Path) -> bool {
    path.file_name().is_some_and(|name| {
        let named = name.strip_prefix("pylock.").and_then(|rest| rest.strip_suffix(".toml"));
        name == LOCK || named.is_some_and(|name| !name.is_empty() && !name.contains('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_of_other_requirements_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let python: MinorVersion = "3.13".parse().unwrap();
        let list =
            |names: &[&str]| Requirements::List(names.iter().map(|it| (*it).to_owned()).collect());
        let write = |requirements: &Requirements| {
            let origin = requirements.origin(dir, python).unwrap().to_toml().unwrap();
            let head = "lock-version = \"1.0\"\ncreated-by = \"uv\"\n";
            fs_err::write(dir.join(LOCK), format!("{head}{origin}")).unwrap();
        };
        let is_fresh = |requirements: &Requirements, python: MinorVersion| {
            requirements.locked(dir, python).unwrap().is_some()
        };
        assert!(!is_fresh(&list(&["rich"]), python));
        write(&list(&["rich"]));
        assert!(is_fresh(&list(&["rich"]), python));
        assert!(!is_fresh(&list(&["rich", "click"]), python));
        assert!(!is_fresh(&list(&["rich"]), "3.14".parse().unwrap()));

        let file = Requirements::File("requirements.txt".into());
        fs_err::write(dir.join("requirements.txt"), "rich\n").unwrap();
        assert!(!is_fresh(&file, python));
        write(&file);
        assert!(is_fresh(&file, python));
        fs_err::write(dir.join("requirements.txt"), "rich\nclick\n").unwrap();
        assert!(!is_fresh(&file, python));

        fs_err::write(dir.join(LOCK), "lock-version = \"1.0\"\ncreated-by = \"pip\"\n").unwrap();
        assert!(is_fresh(&file, python), "the lock of another tool is never stale");
    }

    #[test]
    fn lock_can_be_given() {
        for (name, expected) in [
            ("pylock.toml", true),
            ("pylock.wasi.toml", true),
            ("locks/pylock.toml", true),
            ("pylock..toml", false),
            ("uv.lock", false),
            ("pyproject.toml", false),
        ] {
            assert_eq!(is_lock(Utf8Path::new(name)), expected, "{name}");
        }
    }
}
