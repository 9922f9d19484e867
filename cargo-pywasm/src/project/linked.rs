//! `.pywasm/`: what this machine has for a project.
//!
//! `project.json` is what `pywasm-build` and the runner read; `installation` is a link for people.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::Installation;
use serde::{Deserialize, Serialize};

use super::Stdlib;
use pywasm_session::WithHint;
use pywasm_store::stage_file;

/// The directory's name, in the directory of the crate or of its workspace.
pub const DIRECTORY: &str = ".pywasm";
/// The file that is read.
const FILE: &str = "project.json";
/// The version of its format. `pywasm-build` reads this one, too.
const VERSION: u32 = 1;

/// What `project.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    version: u32,
    /// The installation's directory.
    pub installation: Utf8PathBuf,
    /// The tool that wrote this, which build scripts ask for frozen code.
    #[serde(default)]
    pub tool: Option<Utf8PathBuf>,
    /// How the project's modules get at the standard library.
    #[serde(default)]
    pub stdlib: Stdlib,
}

impl Linked {
    /// A link to this installation.
    #[must_use]
    pub fn new(installation: Utf8PathBuf, stdlib: Stdlib) -> Self {
        let tool = std::env::current_exe().ok();
        let tool = tool.and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        Self { version: VERSION, installation, tool, stdlib }
    }

    /// The link of the project that `dir` lies in, if there is one.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn find(dir: &Utf8Path) -> anyhow::Result<Option<Self>> {
        let file = |dir: &Utf8Path| dir.join(DIRECTORY).join(FILE);
        let Some(path) = dir.ancestors().map(file).find(|path| path.is_file()) else {
            return Ok(None);
        };
        let read = || -> anyhow::Result<Self> {
            let linked: Self = serde_json::from_slice(&fs_err::read(&path)?)?;
            anyhow::ensure!(linked.version == VERSION, "version {}", linked.version);
            Ok(linked)
        };
        read()
            .with_context(|| format!("`{path}` is not what this version writes"))
            .hint(|| "`cargo pywasm install` in the project writes it anew".to_owned())
            .map(Some)
    }

    /// Opens the installation.
    ///
    /// # Errors
    /// When it is gone.
    pub fn open(&self) -> anyhow::Result<Installation> {
        Installation::open(&self.installation)
            .with_context(|| format!("the project's installation `{}`", self.installation))
            .hint(|| "`cargo pywasm install` in the project makes another".to_owned())
    }

    /// Writes the link into a project. The file is left alone when it says the same: what was
    /// built with it stays fresh.
    ///
    /// # Errors
    /// When the directory can't be written.
    pub fn write(&self, project: &Utf8Path) -> anyhow::Result<bool> {
        let dir = project.join(DIRECTORY);
        fs_err::create_dir_all(&dir)?;
        // Git asks no one else: the user's own .gitignore stays as it is.
        replace(&dir.join(".gitignore"), "*\n")?;
        let link = dir.join("installation");
        if link.read_link_utf8().ok().as_deref() != Some(&*self.installation) {
            let _ = fs_err::remove_file(&link);
            #[cfg(unix)]
            fs_err::os::unix::fs::symlink(&self.installation, &link)?;
        }
        let config = fs_err::read_to_string(self.installation.join("pyo3-config.txt"))?;
        // `pywasm-build` links libpython; what PyO3 would say to the linker besides is what a
        // crate without it needs.
        let config = config.replace(
            "suppress_build_script_link_lines=false",
            "suppress_build_script_link_lines=true",
        );
        replace(&dir.join("pyo3-config.txt"), &config)?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        replace(&dir.join(FILE), &text)
    }
}

/// Writes a file by rename, when it says something else; whether it did.
pub(super) fn replace(path: &Utf8Path, text: &str) -> anyhow::Result<bool> {
    if fs_err::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let file = stage_file(path, text.as_bytes())?;
    file.persist(path).with_context(|| format!("can't write `{path}`"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(dir: &Utf8Path, name: &str) -> Utf8PathBuf {
        let root = dir.join(name);
        fs_err::create_dir(&root).unwrap();
        let config = "version=3.13\nsuppress_build_script_link_lines=false\n";
        fs_err::write(root.join("pyo3-config.txt"), config).unwrap();
        root
    }

    #[test]
    fn a_link_is_found_from_below_and_written_only_when_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        let (one, two) = (installation(&dir, "one"), installation(&dir, "two"));
        let project = dir.join("project");
        fs_err::create_dir_all(project.join("src")).unwrap();
        assert_eq!(Linked::find(&project).unwrap(), None);

        assert!(Linked::new(one.clone(), Stdlib::Dir).write(&project).unwrap());
        assert!(!Linked::new(one.clone(), Stdlib::Dir).write(&project).unwrap());
        assert!(Linked::new(two.clone(), Stdlib::Frozen).write(&project).unwrap());
        let found = Linked::find(&project.join("src")).unwrap().unwrap();
        assert_eq!(found.installation, two);
        assert_eq!(project.join(".pywasm/installation").read_link_utf8().unwrap(), two);
        let config = fs_err::read_to_string(project.join(".pywasm/pyo3-config.txt")).unwrap();
        assert!(config.contains("suppress_build_script_link_lines=true"), "{config}");
        assert_eq!(fs_err::read_to_string(project.join(".pywasm/.gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn a_link_of_another_version_is_named_with_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        fs_err::create_dir(dir.join(DIRECTORY)).unwrap();
        fs_err::write(dir.join(".pywasm/project.json"), r#"{"version": 9}"#).unwrap();
        let error = format!("{:#}", Linked::find(&dir).unwrap_err());
        assert!(error.contains("cargo pywasm install"), "{error}");
    }
}
