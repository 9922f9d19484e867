//! Finds the installation that a build script requests.

use std::fmt;
use std::path::PathBuf;

use crate::project::Project;
use crate::{installations, installs_dir, Directive, Error, Installation, Variables};

/// The constraints that a build script sets. An unset field accepts any value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// A CPython series, such as `3.13`, or a release, such as `3.13.15`.
    pub(crate) python: Option<String>,
    /// The name of a recipe.
    pub(crate) recipe: Option<String>,
    /// The directory of an installation.
    pub(crate) installation: Option<PathBuf>,
}

/// The chosen installation, and the directives that rerun the build script if the choice might
/// change.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) python: Installation,
    pub(crate) reruns: Vec<Directive>,
}

impl Request {
    /// Chooses the installation. The build script is consulted first, then `PYWASM_INSTALLATION`,
    /// then the `.pywasm/` directory of the crate or its workspace. If none of them specifies an
    /// installation, the first match in the store is used.
    ///
    /// # Errors
    /// When the specified installation does not match the request, or no installation in the store
    /// matches it.
    pub(crate) fn resolve(
        &self,
        project: Option<&Project>,
        variables: Variables<'_>,
    ) -> Result<Resolved, Error> {
        let mut reruns = vec![Directive::RerunIfEnvChanged("PYWASM_INSTALLATION")];
        if let Some(project) = project {
            reruns.push(Directive::RerunIfChanged(project.file.clone()));
        }
        let python = if let Some((root, by)) = self.named(project, variables) {
            self.open(root, by)?
        } else {
            let names = ["PYWASM_STORE", "XDG_DATA_HOME", "HOME"];
            reruns.extend(names.map(Directive::RerunIfEnvChanged));
            let all = installations(&installs_dir(variables)?)?;
            all.into_iter().find(|python| self.accepts(python)).ok_or_else(|| {
                Error::NotInstalled { request: self.to_string(), command: self.command() }
            })?
        };
        reruns.push(Directive::RerunIfChanged(python.root().join("manifest.json")));
        Ok(Resolved { python, reruns })
    }

    /// Returns the directory of the specified installation, and the file or variable that specifies
    /// it.
    fn named(
        &self,
        project: Option<&Project>,
        variables: Variables<'_>,
    ) -> Option<(PathBuf, String)> {
        let script = || Some((self.installation.clone()?, "the build script".to_owned()));
        let variable = || {
            let path = variables("PYWASM_INSTALLATION").filter(|path| !path.is_empty())?;
            Some((path.into(), "PYWASM_INSTALLATION".to_owned()))
        };
        let file = || project.map(|it| (it.installation.clone(), it.file.display().to_string()));
        script().or_else(variable).or_else(file)
    }

    fn open(&self, root: PathBuf, by: String) -> Result<Installation, Error> {
        let python = match Installation::open(root) {
            Ok(python) => python,
            Err(error) => return Err(Error::Named { by, cause: Box::new(error) }),
        };
        if self.accepts(&python) {
            return Ok(python);
        }
        let found = format!("CPython {} ({})", python.version(), python.recipe());
        Err(Error::Mismatch { by, found, request: self.to_string() })
    }

    fn accepts(&self, python: &Installation) -> bool {
        let matches = |version: &String| version == python.series() || version == python.version();
        self.python.as_ref().map_or(true, matches)
            && self.recipe.as_ref().map_or(true, |name| name == python.recipe())
    }

    /// Returns the command that installs the requested CPython.
    fn command(&self) -> String {
        let mut command = "cargo pywasm install".to_owned();
        for (flag, value) in [("--python", &self.python), ("--recipe", &self.recipe)] {
            if let Some(value) = value {
                command.push_str(&format!(" {flag} {value}"));
            }
        }
        command
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CPython")?;
        if let Some(python) = &self.python {
            write!(f, " {python}")?;
        }
        match &self.recipe {
            Some(recipe) => write!(f, " ({recipe})"),
            None => Ok(()),
        }
    }
}
