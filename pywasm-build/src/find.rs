//! Which installation a crate is built with.

use std::path::PathBuf;

use crate::project::Project;
use crate::{installations, installs_dir, Directive, Error, Installation, Variables};

/// What a build script asks for; what it leaves open, anything answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// `3.13` or `3.13.15`.
    pub(crate) python: Option<String>,
    pub(crate) recipe: Option<String>,
    pub(crate) installation: Option<PathBuf>,
}

/// An installation, and what was read to find it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) python: Installation,
    pub(crate) project: Option<Project>,
    pub(crate) reruns: Vec<Directive>,
}

impl Wanted {
    /// Looks at what the build script names, at `PYWASM_INSTALLATION`, at `.pywasm/` of the crate
    /// or its workspace, and into the store, in this order.
    ///
    /// # Errors
    /// When there is none, or the one that was named is not what is asked for.
    pub(crate) fn find(&self, variable: Variables<'_>) -> Result<Found, Error> {
        let mut reruns = vec![Directive::RerunIfEnvChanged("PYWASM_INSTALLATION")];
        let crate_dir = variable("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let project = crate_dir.as_deref().map(Project::find).transpose()?.flatten();
        if let Some(project) = &project {
            reruns.push(Directive::RerunIfChanged(project.file.clone()));
        }
        let from_env = || variable("PYWASM_INSTALLATION").filter(|path| !path.is_empty());
        let named = if let Some(path) = &self.installation {
            Some((path.clone(), "the build script".to_owned()))
        } else if let Some(path) = from_env() {
            Some((path.into(), "PYWASM_INSTALLATION".to_owned()))
        } else {
            let of = |project: &Project| {
                (project.installation.clone(), project.file.display().to_string())
            };
            project.as_ref().map(of)
        };
        let python = match named {
            Some((root, by)) => {
                let python = Installation::open(&root)
                    .map_err(|error| Error::Named { by: by.clone(), cause: Box::new(error) })?;
                if !self.accepts(&python) {
                    let has = format!("CPython {} ({})", python.version(), python.recipe());
                    return Err(Error::Mismatch { by, has, wanted: self.to_string() });
                }
                python
            }
            None => {
                let names = ["PYWASM_STORE", "XDG_DATA_HOME", "HOME"];
                reruns.extend(names.map(Directive::RerunIfEnvChanged));
                let all = installations(&installs_dir(variable)?)?;
                all.into_iter().find(|python| self.accepts(python)).ok_or_else(|| {
                    Error::NotInstalled { wanted: self.to_string(), command: self.command() }
                })?
            }
        };
        reruns.push(Directive::RerunIfChanged(python.root().join("manifest.json")));
        Ok(Found { python, project, reruns })
    }

    fn accepts(&self, python: &Installation) -> bool {
        let version = |wanted: &String| wanted == python.series() || wanted == python.version();
        self.python.as_ref().map_or(true, version)
            && self.recipe.as_ref().map_or(true, |name| name == python.recipe())
    }

    /// The command that makes what is wanted.
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

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
