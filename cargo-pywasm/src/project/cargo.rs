//! Calls the user's Cargo and passes the settings that the project's Cargo configuration lacks.

use std::io::BufReader;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context;
use camino::Utf8PathBuf;
use cargo_metadata::semver::Version;

use super::artifacts::{self, Artifact, Format};
use super::cargo_config::{Found, INCLUDE, RUN, TARGET, find};
use super::{local, prepare};
use crate::config::{Project, Pyo3, Workspace};
use crate::exit::Exit;
use pywasm_cpython::install::Installed;
use pywasm_session::WithHint;
use pywasm_session::variables::CARGO;
use pywasm_store::Ctx;

/// An invocation of Cargo for the current project.
#[derive(Debug)]
pub struct Call<'a> {
    /// The subcommand: `build`, `run` or `test`.
    pub verb: &'static str,
    /// The arguments after the subcommand.
    pub args: &'a [String],
    /// The options for the runner, `run-wasm`.
    pub runner: Vec<String>,
}

/// The environment variable that sets Cargo's runner. It overrides every configuration file.
const RUNNER: &str = "CARGO_TARGET_WASM32_WASIP1_RUNNER";

/// Cargo's arguments, and the variables that are added to its environment.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
}

impl Call<'_> {
    /// Prepares the projects that Cargo will build, and returns the call of Cargo.
    ///
    /// # Errors
    /// When there is no project, or a project cannot be prepared.
    pub fn prepare(&self, workspace: &Workspace<'_>) -> anyhow::Result<Line> {
        let ctx = workspace.ctx();
        self.check_runner()?;
        let mut prepared: Vec<(Project, Installed)> = Vec::new();
        for one in workspace.projects()? {
            if let Some(project) = one.project()? {
                let installed = prepare(&project, &one)?;
                prepared.push((project, installed));
            }
        }
        let (project, installed) = prepared.first().ok_or_else(|| workspace.no_project())?;
        let uses_pyo3 = prepared.iter().any(|(project, _)| project.pyo3 != Pyo3::Unused);
        let other = prepared.iter().find(|(_, it)| it.root != installed.root);
        if let Some((other, _)) = other.filter(|_| uses_pyo3) {
            return Err(anyhow::anyhow!(
                "`{}` and `{}` embed different Pythons, but PyO3 can use only one in each build",
                project.dir,
                other.dir
            ))
            .hint(|| "build one crate at a time, with `--package NAME`".to_owned());
        }
        // Cargo reads only the configuration of the current directory and of directories above it.
        let config = if ctx.cwd.starts_with(&project.dir) {
            fs_err::read_to_string(project.dir.join(".cargo/config.toml")).unwrap_or_default()
        } else {
            String::new()
        };
        let tool = std::env::current_exe().context("the path of this executable is unknown")?;
        Ok(self.line(project, &config, includes(ctx)?, &tool.display().to_string(), ctx))
    }

    fn line(
        &self,
        project: &Project,
        config: &str,
        cargo_includes: bool,
        tool: &str,
        ctx: &Ctx,
    ) -> Line {
        let mut line = Line { args: vec![self.verb.to_owned()], ..Line::default() };
        let mut add = |args: &[&str]| line.args.extend(args.iter().map(|&arg| arg.to_owned()));
        // If Cargo read the file twice, it would join the lists in it, and build PyO3 again.
        if !(cargo_includes && find(config, &INCLUDE) == Found::Ours) {
            add(&["--config", local::path(&project.dir).as_str()]);
        }
        if find(config, &TARGET) != Found::Ours && !has_target(self.args) {
            add(&["--target", pywasm_build::TARGET]);
        }
        if ctx.reporter.is_quiet() {
            add(&["--quiet"]);
        }
        if ctx.offline {
            add(&["--offline"]);
        }
        if ctx.reporter.is_json() && self.verb == "build" {
            add(&["--message-format", "json"]);
        }
        if ctx.jobs != Ctx::default_jobs() {
            add(&["--jobs", &ctx.jobs.to_string()]);
        }
        line.args.extend(self.args.iter().cloned());
        if self.verb != "build" && (find(config, &RUN) != Found::Other || !self.runner.is_empty()) {
            // Cargo splits the runner variable at white space. If the tool's path contains white
            // space, the runner is `cargo pywasm run-wasm`, without a path.
            let tool = if tool.contains(char::is_whitespace) { "cargo" } else { tool };
            let runner = [tool, "pywasm", "run-wasm"].into_iter();
            let runner: Vec<_> = runner.chain(self.runner.iter().map(String::as_str)).collect();
            line.env.push((RUNNER, runner.join(" ")));
        }
        line
    }

    /// Checks that no option for the runner contains white space, because Cargo splits the runner
    /// variable at white space. `--config` is no alternative: it could set the runner to an array,
    /// but an array cannot override a string in a configuration file.
    fn check_runner(&self) -> anyhow::Result<()> {
        match self.runner.iter().find(|word| word.contains(char::is_whitespace)) {
            Some(word) => Err(anyhow::anyhow!(
                "Cargo cannot pass `{word}` to the runner: it contains white space"
            ))
            .hint(|| {
                "run `cargo build`, then `cargo pywasm run-wasm` with these options".to_owned()
            }),
            None => Ok(()),
        }
    }
}

impl Line {
    /// Calls Cargo with the user's environment.
    ///
    /// # Errors
    /// When Cargo cannot be started.
    pub fn run(&self, ctx: &Ctx) -> anyhow::Result<Exit> {
        let status = self.command(ctx).status();
        Ok(exit(status.with_context(|| format!("cannot run `{}`", program(ctx)))?))
    }

    /// Does the same as [`Line::run`] and also returns the wasm modules that Cargo built or found
    /// to be up to date. The modules are read from Cargo's JSON messages, which are also forwarded
    /// to the user if the arguments request JSON.
    ///
    /// # Errors
    /// In the same cases as [`Line::run`], or when the output of Cargo cannot be read.
    pub fn run_and_collect(mut self, ctx: &Ctx) -> anyhow::Result<(Exit, Vec<Artifact>)> {
        let format = Format::extract(&mut self.args);
        if let Format::Internal(value) = format {
            self.args.insert(1, format!("--message-format={value}"));
        }
        self.collect(format == Format::Forwarded, ctx)
    }

    fn command(&self, ctx: &Ctx) -> Command {
        let mut command = Command::new(program(ctx));
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(&ctx.cwd);
        command
    }

    /// Runs Cargo and returns the modules that it built. JSON messages on its stdout are forwarded
    /// only if `forward` is true. Other lines are always forwarded.
    fn collect(&self, forward: bool, ctx: &Ctx) -> anyhow::Result<(Exit, Vec<Artifact>)> {
        let cargo = program(ctx);
        let mut child = self
            .command(ctx)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{cargo}`"))?;
        let stdout = child.stdout.take().context("Cargo has no stdout")?;
        let found = artifacts::read(BufReader::new(stdout), |line, is_message| {
            if forward || !is_message {
                ctx.reporter.data(line);
            }
        });
        let status = child.wait().with_context(|| format!("cannot wait for `{cargo}`"))?;
        Ok((exit(status), found.with_context(|| format!("cannot read the output of `{cargo}`"))?))
    }
}

/// Returns true if Cargo supports the key `include`, as since version 1.94.
///
/// # Errors
/// When Cargo cannot be run, or prints no version.
fn includes(ctx: &Ctx) -> anyhow::Result<bool> {
    let cargo = program(ctx);
    let output = Command::new(&cargo).arg("--version").current_dir(&ctx.cwd).output();
    let output = output.with_context(|| format!("cannot run `{cargo}`"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // `cargo 1.94.0 (…)`, or `cargo 1.94.0-nightly (…)`
    let version = text.split_whitespace().nth(1).and_then(|word| word.parse::<Version>().ok());
    let version = version.with_context(|| format!("`{cargo} --version` prints no version"))?;
    Ok((version.major, version.minor) >= (1, 94))
}

fn program(ctx: &Ctx) -> Utf8PathBuf {
    ctx.env.path(CARGO).unwrap_or_else(|| "cargo".into())
}

/// Returns Cargo's exit code. If a signal killed Cargo, returns 130, as shells do after Ctrl-C.
fn exit(status: ExitStatus) -> Exit {
    Exit::Program(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(130))
}

/// Returns true if Cargo's arguments select a target.
fn has_target(args: &[String]) -> bool {
    args.iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| arg == "--target" || arg.starts_with("--target="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Stdlib;
    use pywasm_session::hint_of;

    fn line(call: &Call<'_>, config: &str) -> Line {
        let ctx = Ctx { offline: false, ..Ctx::for_tests("/project".into(), &[]) };
        let project = Project {
            dir: "/project".into(),
            helper_by_version: false,
            pyo3: Pyo3::Unused,
            freeze: Vec::new(),
            packages: Vec::new(),
            requirements: None,
            provided: Vec::new(),
            exclude: Vec::new(),
            source: false,
            closed: None,
            stdlib: Stdlib::Dir,
        };
        call.line(&project, config, true, "/bin/cargo-pywasm", &ctx)
    }

    fn call<'a>(verb: &'static str, args: &'a [String]) -> Call<'a> {
        Call { verb, args, runner: Vec::new() }
    }

    fn runner() -> (&'static str, String) {
        (RUNNER, "/bin/cargo-pywasm pywasm run-wasm".to_owned())
    }

    #[test]
    fn configured_project_gets_only_the_runner() {
        let config = super::super::cargo_config::with_settings("").unwrap().text;
        let words = ["--release".to_owned(), "--".to_owned(), "x".to_owned()];
        let line = line(&call("run", &words), &config);
        assert_eq!(line.args.join(" "), "run --release -- x");
        assert_eq!(line.env, [runner()]);
    }

    #[test]
    fn unconfigured_project_gets_all_settings() {
        let line = line(&call("test", &[]), "");
        assert_eq!(
            line.args.join(" "),
            "test --config /project/.pywasm/cargo.toml --target wasm32-wasip1"
        );
        assert_eq!(line.env, [runner()]);
    }

    #[test]
    fn runner_of_the_user_is_kept_without_options() {
        let config = "[target.wasm32-wasip1]\nrunner = \"wasmtime\"\n";
        let words = ["--target=wasm32-wasip1".to_owned()];
        let mut call = call("run", &words);
        let theirs = line(&call, config);
        assert_eq!(theirs.args[3..], ["--target=wasm32-wasip1"]);
        assert!(theirs.env.iter().all(|(name, _)| *name != RUNNER), "{:?}", theirs.env);
        call.runner = vec!["--fuel".to_owned(), "9".to_owned()];
        assert!(line(&call, config).env[0].1.ends_with("pywasm run-wasm --fuel 9"));
        call.runner[1] = "a b".to_owned();
        let error = call.check_runner().unwrap_err();
        assert!(error.to_string().contains("`a b`"), "{error}");
        assert!(hint_of(&error).is_some_and(|hint| hint.contains("cargo pywasm run-wasm")));
    }

    /// Runs a fake Cargo that prints its arguments and a message about one built module.
    #[cfg(unix)]
    #[test]
    fn messages_are_forwarded_on_request() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let cargo = Utf8PathBuf::try_from(dir.path().join("cargo")).unwrap();
        let script = r#"#!/bin/sh
echo "$@"
echo '{"reason":"compiler-artifact","package_id":"path+file:///p#x@0.1.0","manifest_path":"/p/Cargo.toml","target":{"kind":["cdylib"],"crate_types":["cdylib"],"name":"x","src_path":"/p/src/lib.rs","edition":"2024","doc":true,"doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false},"features":[],"filenames":["/p/target/wasm32-wasip1/debug/x.wasm"],"executable":null,"fresh":true}'
exit 7
"#;
        fs_err::write(&cargo, script).unwrap();
        fs_err::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
        // Retry while the script is busy: if another test forked a process while the script was
        // being written, that process may still have the script open for writing.
        let busy = std::io::ErrorKind::ExecutableFileBusy;
        while Command::new(&cargo).output().is_err_and(|error| error.kind() == busy) {}
        for (forward, count) in [(false, 1), (true, 2)] {
            let ctx =
                Ctx { offline: false, ..Ctx::for_tests("/".into(), &[("CARGO", cargo.as_str())]) };
            let line = Line { args: vec!["build".to_owned()], env: Vec::new() };
            let (exit, found) = line.collect(forward, &ctx).unwrap();
            assert_eq!((exit, found.len()), (Exit::Program(7), 1));
            assert_eq!(found[0].path, "/p/target/wasm32-wasip1/debug/x.wasm");
            let lines = ctx.reporter.lines();
            assert_eq!((lines[0].as_str(), lines.len()), ("build", count));
        }
    }
}
