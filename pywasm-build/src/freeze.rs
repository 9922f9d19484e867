//! Python code that goes into the module: `cargo-pywasm` compiles it, here it is asked to.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::find::Found;
use crate::{Directive, Error, Variables, FROZEN_LIBRARY};

/// What of the environment the tool is given: its store, and where Cargo and Rust are.
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

/// What a build script asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Freeze {
    pub(crate) modules: Vec<String>,
    pub(crate) packages: Vec<PathBuf>,
}

/// The directory of the library to link, and what Cargo is told of the files it was made of.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) dir: PathBuf,
    pub(crate) directives: Vec<Directive>,
}

/// The library with what the build script, Cargo.toml and the recipe ask for; `None` when nobody
/// asks for anything.
pub(crate) fn object(
    freeze: &Freeze,
    found: &Found,
    variable: Variables<'_>,
) -> Result<Option<Frozen>, Error> {
    let crate_dir = crate_dir(variable);
    let settings = settings(found, &["closed", "freeze", "packages"], variable);
    let file = format!("lib{FROZEN_LIBRARY}.a");
    if freeze.modules.is_empty() && freeze.packages.is_empty() && settings.is_empty() {
        let dir = found.python.lib_dir();
        return Ok(dir.join(&file).exists().then(|| Frozen { dir, directives: Vec::new() }));
    }
    let dir = variable("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let tool = tool(found, variable);
    let mut command = Command::new(&tool);
    command.args(["pywasm", "freeze", "--message-format", "json", "--installation"]);
    command.arg(found.python.root()).arg("--output").arg(dir.join(&file));
    for module in &freeze.modules {
        command.arg("--module").arg(module);
    }
    for package in &freeze.packages {
        command.arg("--package").arg(package);
    }
    if crate_dir.is_dir() {
        command.current_dir(&crate_dir);
    }
    command.env_clear();
    command.envs(INHERITED.iter().filter_map(|name| Some((name, variable(name)?))));
    let name = || format!("{} pywasm freeze", tool.display());
    let output = command.output().map_err(|error| {
        let hint = "hint: it freezes Python code; `cargo pywasm install` in the crate names it";
        Error::Program(name(), format!("{error}\n{hint}"))
    })?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let messages: Vec<Value> = messages.collect();
    if !output.status.success() {
        let errors = messages.iter().flat_map(|message| texts(&message["error"]));
        let hints = messages.iter().filter_map(|message| message["hint"].as_str());
        let mut said: Vec<String> = errors.map(str::to_owned).collect();
        said.extend(hints.map(|hint| format!("hint: {hint}")));
        // What it said without being asked: a panic, or that there is no such command.
        said.push(String::from_utf8_lossy(&output.stderr).trim_end().to_owned());
        said.retain(|text| !text.is_empty());
        return Err(Error::Program(name(), said.join("\n")));
    }
    let mut directives: Vec<Directive> =
        settings.into_iter().map(Directive::RerunIfChanged).collect();
    for message in &messages {
        let inputs = texts(&message["inputs"]).map(PathBuf::from);
        directives.extend(inputs.map(Directive::RerunIfChanged));
        if message["level"] == "warning" {
            let lines = message["text"].as_str().unwrap_or_default().lines();
            directives.extend(lines.map(|line| Directive::Warning(line.to_owned())));
        }
    }
    Ok(Some(Frozen { dir, directives }))
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn crate_dir(variable: Variables<'_>) -> PathBuf {
    variable("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default()
}

/// The Cargo.toml files of the crate and its workspace, when the table of one of them may have one
/// of these keys. Only the tool reads TOML: a wrong yes costs a call of it, or some kilobytes of what
/// nobody uses, and nothing else.
pub(crate) fn settings(found: &Found, keys: &[&str], variable: Variables<'_>) -> Vec<PathBuf> {
    let crate_dir = crate_dir(variable);
    let top = found.project.as_ref().and_then(|project| project.file.parent()?.parent());
    let mut files = Vec::new();
    for dir in crate_dir.ancestors() {
        files.push(dir.join("Cargo.toml"));
        if top.map_or(true, |top| top == dir) {
            break;
        }
    }
    let asks = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.contains("pywasm") && keys.iter().any(|key| text.contains(key))
    };
    if files.iter().any(asks) {
        files.retain(|file| file.is_file());
        files
    } else {
        Vec::new()
    }
}

/// The tool that linked the crate to its installation, else the one that Cargo would find.
fn tool(found: &Found, variable: Variables<'_>) -> PathBuf {
    let linked = found.project.as_ref().and_then(|project| project.tool.clone());
    if let Some(tool) = linked.filter(|tool| tool.is_file()) {
        return tool;
    }
    // Cargo's own place for subcommands, which need not be on PATH.
    let home = variable("CARGO_HOME").map(|home| PathBuf::from(home).join("bin/cargo-pywasm"));
    home.filter(|tool| tool.is_file()).unwrap_or_else(|| "cargo-pywasm".into())
}
