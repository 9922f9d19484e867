//! Runs `cargo pywasm` from a build script.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::json::{self, Json};
use crate::project::{self, Project};
use crate::table::Table;
use crate::{Error, Variables};

/// The environment variables that the tool inherits. Most of them locate its store, Cargo and Rust.
const INHERITED: [&str; 12] = [
    "CARGO",
    "CARGO_HOME",
    "HOME",
    "NO_COLOR",
    "PATH",
    "PYWASM_OFFLINE",
    "PYWASM_STORE",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
];

/// The program `cargo-pywasm`, which is run in the directory of the crate.
#[derive(Debug)]
pub(crate) struct Tool {
    program: PathBuf,
    dir: PathBuf,
    environment: Vec<(&'static str, OsString)>,
}

impl Tool {
    /// Finds the tool that wrote `project.json`, or else the tool that Cargo would find.
    pub(crate) fn find(dir: &Path, project: Option<&Project>, variables: Variables<'_>) -> Self {
        let recorded = project.and_then(|project| project.tool.clone());
        // Cargo also searches this directory for subcommands, even if the directory is not on PATH.
        let cargo_home = || Some(PathBuf::from(variables("CARGO_HOME")?).join("bin/cargo-pywasm"));
        let is_file = |path: &PathBuf| path.is_file();
        let program = recorded.filter(is_file).or_else(|| cargo_home().filter(is_file));
        Self {
            program: program.unwrap_or_else(|| "cargo-pywasm".into()),
            dir: dir.to_owned(),
            environment: INHERITED
                .iter()
                .filter_map(|name| Some((*name, variables(name)?)))
                .collect(),
        }
    }

    /// Returns the path of the program, or `None` if it is found on `PATH`.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.program.is_absolute().then_some(&self.program)
    }

    /// Returns the crate's table, which the tool reads from the Cargo.toml files of the crate and
    /// its workspace.
    ///
    /// # Errors
    /// When the tool cannot be run or refuses the table.
    pub(crate) fn table(&self) -> Result<Table, Error> {
        let messages = self.run("project", Vec::new())?;
        let table = messages.iter().find_map(project::table_of_message);
        table.ok_or_else(|| Error::Program {
            command: self.command("project"),
            message: "it did not print the crate's settings\nhint: use the same version of \
                      cargo-pywasm and pywasm-build"
                .to_owned(),
        })
    }

    /// Runs a subcommand of the tool and returns its JSON messages.
    ///
    /// # Errors
    /// When the tool cannot be started or fails.
    pub(crate) fn run(
        &self,
        subcommand: &str,
        arguments: Vec<OsString>,
    ) -> Result<Vec<Json>, Error> {
        let mut command = Command::new(&self.program);
        command.args(["pywasm", subcommand, "--message-format", "json"]).args(arguments);
        command.env_clear().envs(self.environment.iter().cloned());
        if self.dir.is_dir() {
            command.current_dir(&self.dir);
        }
        let failed =
            |message: String| Error::Program { command: self.command(subcommand), message };
        let output = command.output().map_err(|error| {
            failed(format!(
                "{error}\nhint: run `cargo pywasm install` in the crate to record the settings \
                 from Cargo.toml and the path of the tool"
            ))
        })?;
        let messages: Vec<Json> = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| json::parse(line).ok())
            .collect();
        if output.status.success() {
            return Ok(messages);
        }
        let mut lines: Vec<String> = Vec::new();
        for message in &messages {
            lines.extend(json::texts(message, "error").map(str::to_owned));
        }
        let hints = messages.iter().filter_map(|message| json::text(message, "hint"));
        lines.extend(hints.map(|hint| format!("hint: {hint}")));
        // stderr contains no JSON messages. It can contain the text of a panic, or the error from
        // an older tool that does not have the subcommand.
        lines.push(String::from_utf8_lossy(&output.stderr).trim_end().to_owned());
        lines.retain(|line| !line.is_empty());
        Err(failed(lines.join("\n")))
    }

    fn command(&self, subcommand: &str) -> String {
        format!("{} pywasm {subcommand}", self.program.display())
    }
}
