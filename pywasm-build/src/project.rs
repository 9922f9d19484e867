//! `.pywasm/`: what this machine has for the crate that is built.
//!
//! `cargo pywasm install`, `init`, `new` and `build` write it; here it is only read.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Error;

/// The directory's name.
const DIRECTORY: &str = ".pywasm";
/// The version of `project.json` that is read.
const VERSION: u64 = 1;

/// What `.pywasm/project.json` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    /// The file itself.
    pub(crate) file: PathBuf,
    /// The installation's directory.
    pub(crate) installation: PathBuf,
    /// The tool that wrote it.
    pub(crate) tool: Option<PathBuf>,
}

impl Project {
    /// That of the crate in `dir`, or of the workspace above it.
    pub(crate) fn find(dir: &Path) -> Result<Option<Self>, Error> {
        let file = |dir: &Path| dir.join(DIRECTORY).join("project.json");
        let Some(file) = dir.ancestors().map(file).find(|file| file.is_file()) else {
            return Ok(None);
        };
        let text = std::fs::read(&file).map_err(|error| Error::Read(file.clone(), error))?;
        let value: Value = serde_json::from_slice(&text)
            .map_err(|error| Error::manifest(&file, error.to_string()))?;
        if value["version"].as_u64() != Some(VERSION) {
            return Err(Error::manifest(&file, format!("version {}", value["version"])));
        }
        let installation = value["installation"].as_str().map(PathBuf::from);
        let installation =
            installation.ok_or_else(|| Error::manifest(&file, "no text at `installation`"))?;
        let tool = value["tool"].as_str().map(PathBuf::from);
        Ok(Some(Self { file, installation, tool }))
    }
}
