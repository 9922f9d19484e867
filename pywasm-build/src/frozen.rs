//! The library of frozen Python code that `cargo pywasm freeze` creates.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::json;
use crate::table::Table;
use crate::tool::Tool;
use crate::{Directive, Error, Installation, FROZEN_LIBRARY};

/// The modules and packages that a build script freezes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Freeze {
    pub(crate) modules: Vec<String>,
    pub(crate) packages: Vec<PathBuf>,
}

/// The directory of a library to link, and the Cargo directives for the library's input files and
/// for warnings from `cargo pywasm freeze`.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) dir: PathBuf,
    pub(crate) directives: Vec<Directive>,
}

impl Freeze {
    /// Returns the library of frozen Python modules, or `None` if the crate needs none. If neither
    /// the build script nor the crate's `[package.metadata.pywasm]` table changes the recipe's set
    /// of frozen modules, the library is the installation's, if it has one. Otherwise, `cargo
    /// pywasm freeze` creates a library in `out_dir`.
    ///
    /// # Errors
    /// When the tool cannot be run, or a module or package cannot be frozen.
    pub(crate) fn library(
        &self,
        table: &Table,
        python: &Installation,
        tool: &Tool,
        out_dir: &Path,
    ) -> Result<Option<Frozen>, Error> {
        let file = format!("lib{FROZEN_LIBRARY}.a");
        let recipe_freezes = python.lib_dir().join(&file).exists();
        let freezes = !self.modules.is_empty() || !self.packages.is_empty() || table.freezes;
        let adds = freezes || table.embeds_library;
        // With `closed = true`, a new library is always created: it replaces the modules of
        // libpython, even if the crate adds none. With `closed = false`, a new library is created
        // only to replace the recipe's library, whose set of modules may be closed.
        let changes = table.closed.is_some_and(|closed| closed || recipe_freezes);
        if !adds && !changes {
            let dir = python.lib_dir();
            return Ok(recipe_freezes.then(|| Frozen { dir, directives: Vec::new() }));
        }
        let mut arguments: Vec<OsString> = vec!["--installation".into(), python.root().into()];
        arguments.extend(["--output".into(), out_dir.join(&file).into()]);
        for module in &self.modules {
            arguments.extend(["--module".into(), module.into()]);
        }
        for package in &self.packages {
            arguments.extend(["--package".into(), package.into()]);
        }
        // Another version of the tool may write another library.
        let mut directives: Vec<Directive> = tool
            .path()
            .map(|path| Directive::RerunIfChanged(path.to_owned()))
            .into_iter()
            .collect();
        for message in tool.run("freeze", arguments)? {
            let inputs = json::texts(&message, "inputs").map(PathBuf::from);
            directives.extend(inputs.map(Directive::RerunIfChanged));
            if json::text(&message, "level") == Some("warning") {
                let lines = json::text(&message, "text").unwrap_or_default().lines();
                directives.extend(lines.map(|line| Directive::Warning(line.to_owned())));
            }
        }
        Ok(Some(Frozen { dir: out_dir.to_owned(), directives }))
    }
}
