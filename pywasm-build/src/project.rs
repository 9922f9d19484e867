//! `.pywasm/project.json`: the state of a project on this machine.
//!
//! `cargo pywasm install`, `init`, `new`, `build`, `run` and `test` write the file. This crate only
//! reads it.

use std::path::{Path, PathBuf};

use crate::json::{self, Json};
use crate::table::Table;
use crate::Error;

/// The path of the project file, relative to the directory of the crate or the workspace.
pub const PROJECT_FILE: &str = ".pywasm/project.json";
/// The format version of the project file.
pub const PROJECT_VERSION: u32 = 3;

/// The content of the file.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The path of the file.
    pub(crate) file: PathBuf,
    /// The directory of the installation.
    pub(crate) installation: PathBuf,
    /// The path of the `cargo-pywasm` that wrote the file.
    pub(crate) tool: Option<PathBuf>,
    tables: Vec<Table>,
}

impl Project {
    /// Reads the project file in `dir`, or in the nearest directory above `dir` that contains one.
    ///
    /// # Errors
    /// When the file cannot be read, or has an unsupported version.
    pub(crate) fn find(dir: &Path) -> Result<Option<Self>, Error> {
        let file = dir.ancestors().map(|dir| dir.join(PROJECT_FILE)).find(|file| file.is_file());
        file.map(Self::read).transpose()
    }

    fn read(file: PathBuf) -> Result<Self, Error> {
        let bytes = std::fs::read(&file).map_err(|error| Error::Read(file.clone(), error))?;
        let invalid = |problem: String| Error::project(&file, problem);
        let value = json::parse(&bytes).map_err(invalid)?;
        json::check_version(&value, PROJECT_VERSION).map_err(invalid)?;
        let path = |key: &str| json::text(&value, key).map(PathBuf::from);
        let installation =
            path("installation").ok_or_else(|| invalid("it has no `installation`".to_owned()))?;
        let tables = json::list(&value, "packages").iter().map(Table::parse);
        let tables = tables.collect::<Option<_>>();
        let tables =
            tables.ok_or_else(|| invalid("an entry in `packages` is incomplete".to_owned()))?;
        let tool = path("tool");
        Ok(Self { installation, tool, tables, file })
    }

    /// Returns the recorded table of the package with this Cargo.toml. Returns `None` if a manifest
    /// that the table was read from has changed, or if no table is recorded.
    pub(crate) fn fresh_table(&self, manifest: &Path) -> Option<&Table> {
        let table = self.tables.iter().find(|table| table.is_of(manifest))?;
        table.is_fresh().then_some(table)
    }
}

/// Reads a package's table from a message that `cargo pywasm project` prints.
pub(crate) fn table_of_message(message: &Json) -> Option<Table> {
    Table::parse(json::at(message, "package")?)
}
