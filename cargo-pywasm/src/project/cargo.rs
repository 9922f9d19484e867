//! Cargo on a project: the user's own Cargo, with what the project's configuration does not say.

use std::io::BufReader;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context;
use camino::Utf8PathBuf;

use super::artifacts::{self, Artifact, Format};
use super::cargo_config::{Found, PYO3, RUN, TARGET, find};
use super::{DIRECTORY, local, prepare};
use crate::config::{self, Project};
use crate::exit::Exit;
use pywasm_session::WithHint;
use pywasm_session::variables::CARGO;
use pywasm_store::Ctx;

/// The user's words for Cargo, and those for the runner.
#[derive(Debug)]
pub struct Call<'a> {
    /// `build`, `run` or `test`.
    pub verb: &'static str,
    /// What follows it.
    pub words: &'a [String],
    /// Options of `run-wasm`.
    pub runner: Vec<String>,
}

/// Cargo's variable for the runner, which goes before every configuration file.
const RUNNER: &str = "CARGO_TARGET_WASM32_WASIP1_RUNNER";

/// What Cargo is called with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
}

impl Call<'_> {
    /// Prepares the project one stands in and calls Cargo, with the user's environment.
    ///
    /// # Errors
    /// When one stands in no project, it can't be prepared, or Cargo can't be started.
    pub fn run(&self, ctx: &Ctx) -> anyhow::Result<Exit> {
        let status = self
            .prepared(ctx)?
            .command(ctx)
            .status()
            .with_context(|| format!("can't run `{}`", program(ctx)))?;
        Ok(exit(status))
    }

    /// The same, and which modules Cargo has built. Its messages are read for that; who asked for them
    /// gets them nevertheless.
    ///
    /// # Errors
    /// As [`Call::run`].
    pub fn run_and_tell(&self, ctx: &Ctx) -> anyhow::Result<(Exit, Vec<Artifact>)> {
        let mut line = self.prepared(ctx)?;
        let format = Format::of(&mut line.args);
        if let Format::Ours(words) = format {
            line.args.insert(1, format!("--message-format={words}"));
        }
        line.told(format == Format::Theirs, ctx)
    }

    fn prepared(&self, ctx: &Ctx) -> anyhow::Result<Line> {
        let project = config::project(ctx)?
            .with_context(|| format!("`{}` is in no crate that asks for a Python", ctx.cwd))
            .hint(|| "`cargo pywasm init` in a crate makes it ask for one".to_owned())?;
        self.check_runner()?;
        prepare(&project, ctx)?;
        let config = project.dir.join(".cargo/config.toml");
        let config = fs_err::read_to_string(config).unwrap_or_default();
        let tool = std::env::current_exe().context("this program has no path")?;
        Ok(self.line(&project, &config, &tool.display().to_string(), ctx))
    }

    fn line(&self, project: &Project, config: &str, tool: &str, ctx: &Ctx) -> Line {
        let mut line = Line { args: vec![self.verb.to_owned()], ..Line::default() };
        let mut say = |words: &[&str]| line.args.extend(words.iter().map(|&word| word.to_owned()));
        let local = local::path(&project.dir);
        if local.is_file() {
            // A Cargo before 1.94 knows no `include`.
            say(&["--config", local.as_str()]);
        }
        if find(config, &TARGET) != Found::Ours && !names_target(self.words) {
            say(&["--target", pywasm_build::TARGET]);
        }
        if ctx.reporter.is_quiet() {
            say(&["--quiet"]);
        }
        if ctx.offline {
            say(&["--offline"]);
        }
        if ctx.reporter.is_json() && self.verb == "build" {
            say(&["--message-format", "json"]);
        }
        if ctx.jobs != Ctx::default_jobs() {
            say(&["--jobs", &ctx.jobs.to_string()]);
        }
        line.args.extend(self.words.iter().cloned());
        if find(config, &PYO3) == Found::Missing && ctx.env.text(PYO3.key()).is_none() {
            let file = project.dir.join(DIRECTORY).join("pyo3-config.txt");
            line.env.push((PYO3.key(), file.into_string()));
        }
        if self.verb != "build" && (find(config, &RUN) != Found::Other || !self.runner.is_empty()) {
            // This very tool, unless Cargo would split its path.
            let tool = if tool.contains(char::is_whitespace) { "cargo" } else { tool };
            let runner = [tool, "pywasm", "run-wasm"].into_iter();
            let runner: Vec<_> = runner.chain(self.runner.iter().map(String::as_str)).collect();
            line.env.push((RUNNER, runner.join(" ")));
        }
        line
    }

    /// Cargo splits a runner's words at white space, and gives no way to say otherwise that a
    /// configuration with a plain string would not contradict.
    fn check_runner(&self) -> anyhow::Result<()> {
        match self.runner.iter().find(|word| word.contains(char::is_whitespace)) {
            Some(word) => {
                Err(anyhow::anyhow!("`{word}`: Cargo can't hand on white space")).hint(|| {
                    "`cargo build`, then `cargo pywasm run-wasm` with these options".to_owned()
                })
            }
            None => Ok(()),
        }
    }
}

impl Line {
    fn command(&self, ctx: &Ctx) -> Command {
        let mut command = Command::new(program(ctx));
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(&ctx.cwd);
        command
    }

    /// Calls Cargo and reads what it has built. Messages are handed on where they are asked for, and
    /// text always.
    fn told(&self, hand_on: bool, ctx: &Ctx) -> anyhow::Result<(Exit, Vec<Artifact>)> {
        let cargo = program(ctx);
        let mut child = self
            .command(ctx)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't run `{cargo}`"))?;
        let stdout = child.stdout.take().context("Cargo has no stdout")?;
        let found = artifacts::read(BufReader::new(stdout), |line, is_message| {
            if hand_on || !is_message {
                ctx.reporter.data(line);
            }
        });
        let status = child.wait().with_context(|| format!("`{cargo}` was lost"))?;
        Ok((exit(status), found.with_context(|| format!("can't read what `{cargo}` says"))?))
    }
}

fn program(ctx: &Ctx) -> Utf8PathBuf {
    ctx.env.path(CARGO).unwrap_or_else(|| "cargo".into())
}

/// Killed by a signal: what a shell would say.
fn exit(status: ExitStatus) -> Exit {
    Exit::Program(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(130))
}

/// Whether the user's words for Cargo say the target.
fn names_target(words: &[String]) -> bool {
    words
        .iter()
        .take_while(|word| *word != "--")
        .any(|word| word == "--target" || word.starts_with("--target="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Stdlib;

    fn line(call: &Call<'_>, config: &str) -> Line {
        let ctx = Ctx { offline: false, ..Ctx::for_tests("/project".into(), &[]) };
        let project = Project {
            dir: "/project".into(),
            wants_helper: false,
            freeze: Vec::new(),
            packages: Vec::new(),
            closed: None,
            stdlib: Stdlib::Dir,
        };
        call.line(&project, config, "/bin/cargo-pywasm", &ctx)
    }

    fn call<'a>(verb: &'static str, words: &'a [String]) -> Call<'a> {
        Call { verb, words, runner: Vec::new() }
    }

    fn ours() -> (&'static str, String) {
        (RUNNER, "/bin/cargo-pywasm pywasm run-wasm".to_owned())
    }

    #[test]
    fn a_project_with_its_configuration_gets_the_same_cargo_with_this_tool() {
        let config = super::super::cargo_config::with_settings("").unwrap().text;
        let words = ["--release".to_owned(), "--".to_owned(), "x".to_owned()];
        let line = line(&call("run", &words), &config);
        assert_eq!(line.args.join(" "), "run --release -- x");
        assert_eq!(line.env, [ours()]);
    }

    #[test]
    fn a_project_without_one_gets_all_that_is_missing() {
        let line = line(&call("test", &[]), "");
        assert_eq!(line.args.join(" "), "test --target wasm32-wasip1");
        let file = "/project/.pywasm/pyo3-config.txt".to_owned();
        assert_eq!(line.env, [("PYO3_CONFIG_FILE", file), ours()]);
    }

    #[test]
    fn the_users_runner_and_target_stay_unless_options_of_ours_are_given() {
        let config = "[target.wasm32-wasip1]\nrunner = \"wasmtime\"\n";
        let words = ["--target=wasm32-wasip1".to_owned()];
        let mut call = call("run", &words);
        let theirs = line(&call, config);
        assert_eq!(theirs.args, ["run", "--target=wasm32-wasip1"]);
        assert!(theirs.env.iter().all(|(name, _)| *name != RUNNER), "{:?}", theirs.env);
        call.runner = vec!["--fuel".to_owned(), "9".to_owned()];
        assert!(line(&call, config).env[1].1.ends_with("pywasm run-wasm --fuel 9"));
        call.runner[1] = "a b".to_owned();
        let error = format!("{:#}", call.check_runner().unwrap_err());
        assert!(error.contains("`a b`") && error.contains("cargo pywasm run-wasm"), "{error}");
    }

    /// A Cargo that says what it is called with, and that it has built a module.
    #[cfg(unix)]
    #[test]
    fn messages_are_read_and_handed_on_to_whom_asked_for_them() {
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
        // A process of another test may have it open for writing until it runs something else.
        let busy = std::io::ErrorKind::ExecutableFileBusy;
        while Command::new(&cargo).output().is_err_and(|error| error.kind() == busy) {}
        for (hand_on, said) in [(false, 1), (true, 2)] {
            let ctx =
                Ctx { offline: false, ..Ctx::for_tests("/".into(), &[("CARGO", cargo.as_str())]) };
            let line = Line { args: vec!["build".to_owned()], env: Vec::new() };
            let (exit, found) = line.told(hand_on, &ctx).unwrap();
            assert_eq!((exit, found.len()), (Exit::Program(7), 1));
            assert_eq!(found[0].path, "/p/target/wasm32-wasip1/debug/x.wasm");
            let lines = ctx.reporter.lines();
            assert_eq!((lines[0].as_str(), lines.len()), ("build", said));
        }
    }
}
