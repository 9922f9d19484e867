//! `.pywasm/`: the state of a project on this machine.
//!
//! `pywasm-build` and this tool read `project.json`. Users can follow the symbolic link
//! `installation`.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::{Installation, PROJECT_FILE, PROJECT_VERSION};
use serde::{Deserialize, Serialize};

use crate::config::{PackageSettings, Stdlib};
use pywasm_session::WithHint;
use pywasm_store::stage_file;

/// The name of the directory, which is created in the crate or in its workspace root.
pub const DIRECTORY: &str = ".pywasm";

/// The name of PyO3's configuration in [`DIRECTORY`].
pub(super) const PYO3_CONFIG: &str = "pyo3-config.txt";

/// The content of `project.json`, which links a project to an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    version: u32,
    /// The directory that contains `.pywasm/`. Empty if the value was not read from a file.
    #[serde(skip)]
    pub(super) project: Utf8PathBuf,
    /// The installation's directory.
    pub installation: Utf8PathBuf,
    /// The executable that wrote the file. Build scripts run it.
    pub tool: Option<Utf8PathBuf>,
    /// The source of the standard library at run time, as of when the file was written.
    pub(super) stdlib: Stdlib,
    /// The resolved settings of the packages that embed Python.
    pub packages: Vec<PackageSettings>,
}

impl Linked {
    /// Links a project to an installation. `tool` is this executable, which build scripts will run.
    #[must_use]
    pub fn new(installation: Utf8PathBuf, stdlib: Stdlib, packages: Vec<PackageSettings>) -> Self {
        let tool = std::env::current_exe().ok();
        let tool = tool.and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        let project = Utf8PathBuf::new();
        Self { version: PROJECT_VERSION, project, installation, tool, stdlib, packages }
    }

    /// Reads the `project.json` of the project that `dir` belongs to, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read, or has an unsupported version.
    pub fn find(dir: &Utf8Path) -> anyhow::Result<Option<Self>> {
        let is_linked = |dir: &&Utf8Path| dir.join(PROJECT_FILE).is_file();
        let Some(project) = dir.ancestors().find(is_linked) else {
            return Ok(None);
        };
        let path = project.join(PROJECT_FILE);
        let read = || -> anyhow::Result<Self> {
            let value: serde_json::Value = serde_json::from_slice(&fs_err::read(&path)?)?;
            let version = &value["version"];
            anyhow::ensure!(*version == PROJECT_VERSION, "format version {version}");
            Ok(Self { project: project.to_owned(), ..Self::deserialize(value)? })
        };
        read()
            .with_context(|| {
                format!("`{path}` is not a project file that this version of the tool can read")
            })
            .hint(|| {
                "run `cargo pywasm install` in the project, which rewrites the file".to_owned()
            })
            .map(Some)
    }

    /// Opens the installation.
    ///
    /// # Errors
    /// When the installation cannot be opened, for example because it was uninstalled.
    pub fn open(&self) -> anyhow::Result<Installation> {
        Installation::open(&self.installation)
            .with_context(|| {
                format!("cannot open the project's installation `{}`", self.installation)
            })
            .hint(|| "`cargo pywasm install` in the project installs it again".to_owned())
    }

    /// Writes a project's `.pywasm/` directory and returns true if `project.json` changed. Files
    /// that already have the right content are not rewritten, so that Cargo does not rebuild what
    /// depends on them.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, project: &Utf8Path) -> anyhow::Result<bool> {
        let dir = project.join(DIRECTORY);
        fs_err::create_dir_all(&dir)?;
        // The project's own .gitignore is not edited, because it belongs to the user.
        replace(&dir.join(".gitignore"), "*\n")?;
        let link = dir.join("installation");
        if link.read_link_utf8().ok().as_deref() != Some(&*self.installation) {
            let _ = fs_err::remove_file(&link);
            #[cfg(unix)]
            fs_err::os::unix::fs::symlink(&self.installation, &link)?;
        }
        let config = fs_err::read_to_string(self.installation.join("pyo3-config.txt"))?;
        // `pywasm-build` links libpython; PyO3 must not link it a second time.
        let config = config.replace(
            "suppress_build_script_link_lines=false",
            "suppress_build_script_link_lines=true",
        );
        replace(&dir.join(PYO3_CONFIG), &config)?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        replace(&project.join(PROJECT_FILE), &text)
    }
}

/// Replaces a file atomically, unless it already has this content. Returns true if the file was
/// written.
pub(super) fn replace(path: &Utf8Path, text: &str) -> anyhow::Result<bool> {
    if fs_err::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let file = stage_file(path, text.as_bytes())?;
    file.persist(path).with_context(|| format!("cannot write `{path}`"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_session::hint_of;

    /// Creates an installation that contains only `pyo3-config.txt`.
    fn installation(dir: &Utf8Path, name: &str) -> Utf8PathBuf {
        let root = dir.join(name);
        fs_err::create_dir(&root).unwrap();
        let config = "version=3.13\nsuppress_build_script_link_lines=false\n";
        fs_err::write(root.join("pyo3-config.txt"), config).unwrap();
        root
    }

    fn link(installation: &Utf8Path, stdlib: Stdlib) -> Linked {
        Linked::new(installation.to_owned(), stdlib, Vec::new())
    }

    #[test]
    fn link_is_written_only_when_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        let (one, two) = (installation(&dir, "one"), installation(&dir, "two"));
        let project = dir.join("project");
        fs_err::create_dir_all(project.join("src")).unwrap();
        assert_eq!(Linked::find(&project).unwrap(), None);

        assert!(link(&one, Stdlib::Dir).write(&project).unwrap());
        assert!(!link(&one, Stdlib::Dir).write(&project).unwrap());
        assert!(link(&two, Stdlib::Embedded).write(&project).unwrap());
        let found = Linked::find(&project.join("src")).unwrap().unwrap();
        assert_eq!(found.installation, two);
        assert_eq!(project.join(".pywasm/installation").read_link_utf8().unwrap(), two);
        let config = fs_err::read_to_string(project.join(".pywasm/pyo3-config.txt")).unwrap();
        assert!(config.contains("suppress_build_script_link_lines=true"), "{config}");
        assert_eq!(fs_err::read_to_string(project.join(".pywasm/.gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn unsupported_version_is_named_with_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        fs_err::create_dir(dir.join(DIRECTORY)).unwrap();
        fs_err::write(dir.join(".pywasm/project.json"), r#"{"version": 9}"#).unwrap();
        let error = Linked::find(&dir).unwrap_err();
        assert!(error.to_string().contains("project.json"), "{error:#}");
        assert!(hint_of(&error).is_some_and(|hint| hint.contains("cargo pywasm install")));
    }
}
