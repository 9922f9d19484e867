//! The output files of a module.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::Outcome;
use pywasm_session::WithHint;
use pywasm_size::record_place;
use pywasm_store::stage_file;

/// The subdirectory of a project's target directory that contains the outputs.
const DIRECTORY: &str = "pywasm";

/// A module and its output files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The path of the module that is read.
    pub input: Utf8PathBuf,
    /// The path of the module that is written.
    pub output: Utf8PathBuf,
    /// True if the output is in the project's target directory, where a stamp and a size record are
    /// kept.
    is_of_project: bool,
}

impl Files {
    /// Returns the files of a module whose output path is explicit.
    #[must_use]
    pub fn new(input: Utf8PathBuf, output: Utf8PathBuf) -> Self {
        Self { input, output, is_of_project: false }
    }

    /// Returns the files of a module that Cargo has built: the output for
    /// `target/wasm32-wasip1/release/x.wasm` is `target/pywasm/release/x.wasm`. Returns `None` for
    /// other paths.
    #[must_use]
    pub fn of_project(built: &Utf8Path) -> Option<Self> {
        let profile = built.parent()?;
        let triple = profile.parent()?;
        (triple.file_name()? == pywasm_build::TARGET).then_some(())?;
        let dir = triple.parent()?.join(DIRECTORY).join(profile.file_name()?);
        let output = dir.join(built.file_name()?);
        Some(Self { input: built.to_owned(), output, is_of_project: true })
    }

    /// Returns the path of the compressed module: `x.wasm.gz` for `x.wasm`.
    #[must_use]
    pub fn compressed(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{}.gz", self.output))
    }

    /// Returns the path of the Candid interface: `x.did` for `x.wasm`.
    #[must_use]
    pub fn interface(&self) -> Utf8PathBuf {
        self.output.with_extension("did")
    }

    /// Returns true if the output is in the project's target directory.
    pub(super) fn is_of_project(&self) -> bool {
        self.is_of_project
    }

    /// Returns the path of the size record: `.x.wasm.size.json` for `x.wasm`.
    pub(super) fn record(&self) -> Option<Utf8PathBuf> {
        record_place(&self.output).filter(|_| self.is_of_project)
    }

    /// Returns the path of the stamp: `.x.wasm.stamp` for `x.wasm`.
    pub(super) fn stamp(&self) -> Option<Utf8PathBuf> {
        let name = self.output.file_name().filter(|_| self.is_of_project)?;
        Some(self.output.with_file_name(format!(".{name}.stamp")))
    }

    /// Updates the modification time of the output, so that the output is newer than its input even
    /// if the linker has written the same input again.
    ///
    /// # Errors
    /// When the output does not exist or cannot be changed.
    pub fn touch(&self, cwd: &Utf8Path) -> anyhow::Result<()> {
        let file = fs_err::OpenOptions::new().write(true).open(cwd.join(&self.output))?;
        file.into_file().set_modified(std::time::SystemTime::now())?;
        Ok(())
    }

    /// Writes outcomes: first writes all files under temporary names, then renames each of them.
    /// Removes compressed files and stamps that remain from earlier outcomes.
    ///
    /// # Errors
    /// When a file cannot be written. In that case, no output has changed, unless a rename failed.
    pub fn write(all: &[(Self, Outcome)], cwd: &Utf8Path) -> anyhow::Result<()> {
        let (mut staged, mut stale) = (Vec::new(), Vec::new());
        for (files, outcome) in all {
            let (output, compressed) = (cwd.join(&files.output), cwd.join(files.compressed()));
            for path in [&output, &compressed] {
                if same(path, &cwd.join(&files.input)) {
                    return Err(anyhow::anyhow!(
                        "the output would replace the input `{}`",
                        files.input
                    ))
                    .hint(|| "specify a different file with `--output`".to_owned());
                }
            }
            match &outcome.compressed {
                Some(bytes) => staged.push((stage_file(&compressed, bytes)?, compressed)),
                None => stale.push(compressed),
            }
            // An interface file is never removed: it may be the user's own.
            if let Some(text) = &outcome.interface {
                let path = cwd.join(files.interface());
                staged.push((stage_file(&path, text)?, path));
            }
            staged.push((stage_file(&output, &outcome.module)?, output));
            if let (Some(record), Some(sizes)) = (files.record(), &outcome.sizes) {
                let record = cwd.join(record);
                staged.push((stage_file(&record, sizes.record.as_bytes())?, record));
            }
            // The stamp comes last, so that it never describes a missing output.
            if let Some(path) = files.stamp().map(|path| cwd.join(path)) {
                match &outcome.stamp {
                    Some(known) => {
                        staged.push((stage_file(&path, known.to_string().as_bytes())?, path));
                    }
                    None => stale.push(path),
                }
            }
        }
        for (file, path) in staged {
            file.persist(&path).with_context(|| format!("cannot write `{path}`"))?;
        }
        for path in stale.iter().filter(|path| path.is_file()) {
            fs_err::remove_file(path)?;
        }
        Ok(())
    }
}

fn same(one: &Utf8Path, other: &Utf8Path) -> bool {
    let canonical = |path: &Utf8Path| path.canonicalize_utf8().ok();
    one == other || canonical(one).is_some_and(|one| Some(one) == canonical(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(module: &[u8], compressed: Option<&[u8]>) -> Outcome {
        let (module, compressed) = (module.to_vec(), compressed.map(<[u8]>::to_vec));
        Outcome { module, compressed, ..Outcome::default() }
    }

    #[test]
    fn output_of_a_cargo_build() {
        let files = Files::of_project("/t/wasm32-wasip1/release/x.wasm".into()).unwrap();
        assert_eq!(files.output, "/t/pywasm/release/x.wasm");
        assert_eq!(files.compressed(), "/t/pywasm/release/x.wasm.gz");
        for other in ["x.wasm", "/t/release/x.wasm", "/t/wasm32-wasip1/x.wasm"] {
            assert_eq!(Files::of_project(other.into()), None, "{other}");
        }
    }

    #[test]
    fn failed_write_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let files = |name: &str| Files::new("in.wasm".into(), name.into());
        let old = [(files("a/x.wasm"), outcome(b"old", Some(b"old gz")))];
        Files::write(&old, root).unwrap();
        std::fs::write(root.join("file"), b"").unwrap();
        let new = [
            (files("a/x.wasm"), outcome(b"new", Some(b"new gz"))),
            (files("file/y.wasm"), outcome(b"new", None)),
        ];
        assert!(Files::write(&new, root).is_err());
        assert_eq!(std::fs::read(root.join("a/x.wasm")).unwrap(), b"old");
        assert_eq!(std::fs::read(root.join("a/x.wasm.gz")).unwrap(), b"old gz");
        assert_eq!(root.join("a").read_dir_utf8().unwrap().count(), 2, "no temporary file is left");
        // The new outcome has no compressed file, so the old one is removed.
        Files::write(&[(files("a/x.wasm"), outcome(b"new", None))], root).unwrap();
        assert!(!root.join("a/x.wasm.gz").exists());
    }

    #[test]
    fn input_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        std::fs::create_dir(root.join("a")).unwrap();
        for (input, output) in
            [("x.wasm", "x.wasm"), ("x.wasm", "a/../x.wasm"), ("x.wasm.gz", "x.wasm")]
        {
            std::fs::write(root.join(input), b"input").unwrap();
            let files = Files::new(input.into(), output.into());
            let error = Files::write(&[(files, outcome(b"new", None))], root).unwrap_err();
            assert!(format!("{error:#}").contains("would replace the input"), "{error:#}");
            assert_eq!(std::fs::read(root.join(input)).unwrap(), b"input");
        }
    }
}
