//! Where an outcome goes: a module, and what is compressed beside it.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::Outcome;
use pywasm_session::WithHint;
use pywasm_size::record_place;
use pywasm_store::stage_file;

/// The directory of a project's target directory that the outcomes are in.
const DIRECTORY: &str = "pywasm";

/// A module and the place of what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The module that is read.
    pub input: Utf8PathBuf,
    /// The module that is written.
    pub output: Utf8PathBuf,
    /// Whether the place is the project's own, where a stamp may stand beside it.
    is_of_project: bool,
}

impl Files {
    /// A module that goes where somebody says.
    #[must_use]
    pub fn new(input: Utf8PathBuf, output: Utf8PathBuf) -> Self {
        Self { input, output, is_of_project: false }
    }

    /// A module that Cargo has built: `target/wasm32-wasip1/release/x.wasm` goes to
    /// `target/pywasm/release/x.wasm`. None where the path has not this form.
    #[must_use]
    pub fn of_project(built: &Utf8Path) -> Option<Self> {
        let profile = built.parent()?;
        let triple = profile.parent()?;
        (triple.file_name()? == pywasm_build::TARGET).then_some(())?;
        let dir = triple.parent()?.join(DIRECTORY).join(profile.file_name()?);
        let output = dir.join(built.file_name()?);
        Some(Self { input: built.to_owned(), output, is_of_project: true })
    }

    /// What is compressed: `x.wasm.gz` beside `x.wasm`.
    #[must_use]
    pub fn compressed(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{}.gz", self.output))
    }

    /// Its interface: `x.did` beside `x.wasm`.
    #[must_use]
    pub fn interface(&self) -> Utf8PathBuf {
        self.output.with_extension("did")
    }

    /// Whether the place is the project's own.
    pub(super) fn is_of_project(&self) -> bool {
        self.is_of_project
    }

    /// What says where its bytes are: `.x.wasm.size.json` beside `x.wasm`.
    pub(super) fn record(&self) -> Option<Utf8PathBuf> {
        record_place(&self.output).filter(|_| self.is_of_project)
    }

    /// What says of which module and plan the outcome is: `.x.wasm.stamp` beside it.
    pub(super) fn stamp(&self) -> Option<Utf8PathBuf> {
        let name = self.output.file_name().filter(|_| self.is_of_project)?;
        Some(self.output.with_file_name(format!(".{name}.stamp")))
    }

    /// Makes what stands at the place younger than a link that made the same bytes again: who looks for
    /// what is built takes it for finished then.
    ///
    /// # Errors
    /// When it is not there any more, or nobody may change it.
    pub fn touch(&self, cwd: &Utf8Path) -> anyhow::Result<()> {
        let file = fs_err::OpenOptions::new().write(true).open(cwd.join(&self.output))?;
        file.into_file().set_modified(std::time::SystemTime::now())?;
        Ok(())
    }

    /// Writes outcomes: all of them beside their places first, then each to its place, by rename. What
    /// is compressed and was made of an older module goes.
    ///
    /// # Errors
    /// When one can't be written: nothing has changed then, unless it was a rename that failed.
    pub fn write(all: &[(Self, Outcome)], cwd: &Utf8Path) -> anyhow::Result<()> {
        let (mut staged, mut stale) = (Vec::new(), Vec::new());
        for (files, outcome) in all {
            let (output, compressed) = (cwd.join(&files.output), cwd.join(files.compressed()));
            for path in [&output, &compressed] {
                if same(path, &cwd.join(&files.input)) {
                    return Err(anyhow::anyhow!("`{}` would be written over", files.input))
                        .hint(|| "name another file by `--output`".to_owned());
                }
            }
            match &outcome.compressed {
                Some(bytes) => staged.push((stage_file(&compressed, bytes)?, compressed)),
                None => stale.push(compressed),
            }
            // One that is not asked for may be somebody's own file, and stays.
            if let Some(text) = &outcome.interface {
                let path = cwd.join(files.interface());
                staged.push((stage_file(&path, text)?, path));
            }
            staged.push((stage_file(&output, &outcome.module)?, output));
            if let (Some(place), Some(sizes)) = (files.record(), &outcome.sizes) {
                let place = cwd.join(place);
                staged.push((stage_file(&place, sizes.record.as_bytes())?, place));
            }
            // Last: a stamp of what is not there is worse than none.
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
            file.persist(&path).with_context(|| format!("can't write `{path}`"))?;
        }
        for path in stale.iter().filter(|path| path.is_file()) {
            fs_err::remove_file(path)?;
        }
        Ok(())
    }
}

fn same(one: &Utf8Path, other: &Utf8Path) -> bool {
    let place = |path: &Utf8Path| path.canonicalize_utf8().ok();
    one == other || place(one).is_some_and(|one| Some(one) == place(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(module: &[u8], compressed: Option<&[u8]>) -> Outcome {
        let (module, compressed) = (module.to_vec(), compressed.map(<[u8]>::to_vec));
        Outcome { module, compressed, ..Outcome::default() }
    }

    #[test]
    fn what_cargo_has_built_has_its_place() {
        let files = Files::of_project("/t/wasm32-wasip1/release/x.wasm".into()).unwrap();
        assert_eq!(files.output, "/t/pywasm/release/x.wasm");
        assert_eq!(files.compressed(), "/t/pywasm/release/x.wasm.gz");
        for other in ["x.wasm", "/t/release/x.wasm", "/t/wasm32-wasip1/x.wasm"] {
            assert_eq!(Files::of_project(other.into()), None, "{other}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_all_others_as_they_were() {
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
        assert_eq!(root.join("a").read_dir_utf8().unwrap().count(), 2, "no scratch is left");
        // Uncompressed, what was compressed before would be of another module.
        Files::write(&[(files("a/x.wasm"), outcome(b"new", None))], root).unwrap();
        assert!(!root.join("a/x.wasm.gz").exists());
    }

    #[test]
    fn the_module_that_is_read_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        std::fs::create_dir(root.join("a")).unwrap();
        for (input, output) in
            [("x.wasm", "x.wasm"), ("x.wasm", "a/../x.wasm"), ("x.wasm.gz", "x.wasm")]
        {
            std::fs::write(root.join(input), b"input").unwrap();
            let files = Files::new(input.into(), output.into());
            let error = Files::write(&[(files, outcome(b"new", None))], root).unwrap_err();
            assert!(format!("{error:#}").contains("would be written over"), "{error:#}");
            assert_eq!(std::fs::read(root.join(input)).unwrap(), b"input");
        }
    }
}
