//! `cargo pywasm run`: runs Python in the embedded runtime.

mod line;
mod own;

use std::collections::BTreeSet;
use std::io::IsTerminal;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::config::{CargoArgs, Project, Selection, Workspace};
use crate::exit::Exit;
use crate::installed;
use crate::project::{self, Call};
use crate::sandbox::{Sandbox, goes_down};
use line::Line;
use pywasm_build::Installation;
use pywasm_cpython::{interpreter, smoke};
use pywasm_packages::Script;
use pywasm_runtime::{Dir, Runtime};
use pywasm_store::Ctx;

/// Run Python on wasm: a script, -c CODE, -m MODULE or a REPL; or run the current crate
///
/// The program sees the current directory (at `/` and at its full path), the directory that
/// contains the script, and the directories and variables passed with --dir and --env. It sees no
/// other files or variables, and has no network access.
///
/// The exit code is Python's, or 124 after a timeout, 125 if the fuel is used up, and 134 after a
/// trap. Ctrl-C ends the program at once, without KeyboardInterrupt, because WASI has no signals.
/// Options of this command come before Python's command line: use `run -- --help` and `run -- -V`
/// for Python's own options.
///
/// In a crate with `[package.metadata.pywasm]`, if the arguments specify no Python program, runs
/// `cargo run` for that crate, as in `run`, `run --release --bin NAME` or `run -- ARGS`. Python is
/// installed first if it is missing.
///
/// Python can import the packages of `--with`, those that the script lists in a comment
/// `# /// script` (PEP 723), and in a crate, those of the crate.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    sandbox: Sandbox,
    /// Make Python packages available: `rich`, `jinja2>=3` or the path of a wheel; can be repeated
    #[arg(long = "with", value_name = "REQUIREMENT")]
    with: Vec<String>,
    /// Python's command line, from the first argument that is not an option of this command
    #[arg(value_name = "PYTHON_ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    python_args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When no installation matches, a directory cannot be opened, or the program cannot be started.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    if let Some(call) = crate_call(args, &workspace)? {
        return call;
    }
    let python = installed::find(&args.selection, &workspace)?;
    let project = workspace.project()?;
    let runtime = Runtime::until_exit(args.sandbox.bounds(), ctx)?;
    let module = runtime.load(&Utf8PathBuf::try_from(python.python_wasm())?)?;
    let line = Line::of(&args.python_args);
    let mut program = interpreter(&runtime).dir(smoke::stdlib(&python)?).inherit_stdin();
    if let Some(dir) = site_packages(args, line.script, project.as_ref(), &python, ctx)? {
        program = program.dir(dir);
    }
    let own = Own::of(project.as_ref(), &args.sandbox);
    for dir in own.dirs {
        program = program.dir(dir);
    }
    if let Some(path) = own.python_path {
        program = program.env("PYTHONPATH", path);
    }
    let view = View::of(args, line.script, ctx)?;
    for dir in view.dirs {
        program = program.dir(dir);
    }
    if line.prompts && std::io::stdin().is_terminal() {
        // The default REPL needs `termios`, which WASI lacks. Without this variable, CPython 3.13
        // would print a warning whenever it starts.
        program = program.env("PYTHON_BASIC_REPL", "1");
    }
    program = args.sandbox.with_variables(program, ctx)?.args(view.python_args);
    let end = runtime.run(&module, &program)?.end;
    if end.was_stopped() {
        ctx.reporter.error(&anyhow::anyhow!("the program was stopped: {end}"));
    }
    Ok(Exit::Program(end.code()))
}

/// Returns the directory of the packages that the program can import, or `None` if there are none.
fn site_packages(
    args: &Args,
    script: Option<usize>,
    project: Option<&Project>,
    python: &Installation,
    ctx: &Ctx,
) -> anyhow::Result<Option<Dir>> {
    let version = python.version().parse()?;
    let mut more = args.with.clone();
    // A script that is named by its path in the sandbox is read by Python only.
    let script = script.map(|index| ctx.cwd.join(&args.python_args[index]));
    if let Some(path) = script.filter(|path| path.is_file())
        && let Ok(source) = fs_err::read_to_string(&path)
    {
        let script = Script::parse(&source).with_context(|| format!("`{path}`"))?;
        script.check_python(version)?;
        more.extend(script.dependencies);
    }
    let required = project.and_then(|project| project.requirements.as_ref());
    let packages = project::packages(required, &more, version, ctx)?;
    if packages.is_empty() {
        return Ok(None);
    }
    project::site_packages(&packages, python, ctx).map(Some)
}

/// The crate's own packages, which Python imports from their directories.
struct Own {
    dirs: Vec<Dir>,
    python_path: Option<String>,
}

impl Own {
    fn of(project: Option<&Project>, sandbox: &Sandbox) -> Self {
        let packages = project.map(|project| &project.packages[..]).unwrap_or_default();
        let parents = packages.iter().filter_map(|package| package.path.parent());
        let parents: BTreeSet<&Utf8Path> = parents.collect();
        let paths: Vec<&str> = parents.iter().map(|path| path.as_str()).collect();
        // A variable on the command line replaces this one.
        let python_path =
            (!paths.is_empty() && !sandbox.sets("PYTHONPATH")).then(|| paths.join(":"));
        let dirs = parents.iter().map(|path| Dir::read_only(path, path.as_str())).collect();
        Self { dirs, python_path }
    }
}

/// Runs `cargo run` if the arguments select the current crate; otherwise returns `None`.
fn crate_call(
    args: &Args,
    workspace: &Workspace<'_>,
) -> anyhow::Result<Option<anyhow::Result<Exit>>> {
    let command_line: Vec<String> = std::env::args().collect();
    let after_dashes = own::after_dashes(&command_line, &args.python_args);
    let Some(words) = own::for_cargo(&args.python_args, after_dashes) else { return Ok(None) };
    let ctx = workspace.ctx();
    let workspace = Workspace::selected(CargoArgs::new(&words), ctx);
    if workspace.projects()?.is_empty() {
        return Ok(None);
    }
    let is_selected = !args.selection.is_empty();
    anyhow::ensure!(
        !is_selected,
        "a crate's Python is selected in its Cargo.toml, not on the command line"
    );
    let call = Call { verb: "run", args: &words, runner: args.sandbox.words() };
    Ok(Some(call.prepare(&workspace)?.run(ctx)))
}

/// The directories that the program sees, and Python's command line, in which the script is a
/// guest path.
#[derive(Debug, PartialEq, Eq)]
struct View {
    dirs: Vec<Dir>,
    python_args: Vec<String>,
}

impl View {
    fn of(args: &Args, script: Option<usize>, ctx: &Ctx) -> anyhow::Result<Self> {
        let mut dirs = args.sandbox.cwd(ctx);
        let mut python_args = args.python_args.clone();
        let named = args.sandbox.named(ctx)?;
        if let Some(word) = script.map(|index| &mut python_args[index])
            && !is_in(&named, word)
        {
            let host = ctx.cwd.join(&*word);
            let path =
                host.canonicalize_utf8().with_context(|| format!("cannot open script `{host}`"))?;
            let in_cwd = !args.sandbox.no_cwd && path.starts_with(&ctx.cwd);
            // In the guest, `..` cannot leave `/`, so a script path that contains `..` is replaced
            // with the script's full path.
            if !in_cwd || !goes_down(word) {
                *word = path.to_string();
            }
            if !in_cwd {
                let parent = path.parent().unwrap_or(Utf8Path::new("/"));
                dirs.push(Dir::read_only(parent, parent.as_str()));
            }
        }
        dirs.extend(named);
        Ok(Self { dirs, python_args })
    }
}

/// Returns true if a guest path is a file in one of these directories.
fn is_in(dirs: &[Dir], path: &str) -> bool {
    let path = Utf8Path::new(path);
    dirs.iter()
        .any(|dir| path.strip_prefix(&dir.guest).is_ok_and(|below| dir.host.join(below).is_file()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &[&str]) -> Args {
        Cli::try_parse_from(["run"].iter().chain(words)).unwrap().args
    }

    /// Creates scripts in `root/here` and `root/beside`, and a context whose current directory is
    /// `root/here`.
    fn at(root: &tempfile::TempDir) -> Ctx {
        let root = Utf8PathBuf::from_path_buf(root.path().canonicalize().unwrap()).unwrap();
        for file in ["here/own.py", "here/sub/own.py", "beside/other.py"] {
            fs_err::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs_err::write(root.join(file), "").unwrap();
        }
        Ctx::for_tests(&root, &[("SECRET", "s"), ("SHARED", "yes")]).at(root.join("here"))
    }

    fn view(words: &[&str], ctx: &Ctx) -> anyhow::Result<View> {
        let args = parse(words);
        let script = Line::of(&args.python_args).script;
        View::of(&args, script, ctx)
    }

    #[test]
    fn arguments_after_the_program_are_the_programs() {
        for words in [
            &["-c", "print(1)", "--timeout", "soon", "-h", "--", "-q"][..],
            &["script.py", "--memory", "--offline", "-V"],
            &["-m", "json.tool", "--help"],
        ] {
            assert_eq!(parse(words).python_args, words);
        }
        let args = parse(&["--fuel", "7", "-c", "x", "--fuel", "8"]);
        assert_eq!((args.sandbox.fuel, args.python_args.len()), (Some(7), 4));
    }

    #[test]
    fn invalid_limits_are_refused() {
        for words in [["--timeout", "soon"], ["--memory", "much"], ["--fuel", "-1"]] {
            let words = ["run"].iter().chain(&words).copied().chain(["x.py"]);
            assert!(Cli::try_parse_from(words).is_err());
        }
    }

    #[test]
    fn script_below_the_current_directory_keeps_its_path() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        for script in ["own.py", "./own.py", "sub/own.py"] {
            let view = view(&[script, "arg"], &ctx).unwrap();
            assert_eq!(view.python_args, [script, "arg"]);
            let names: Vec<_> = view.dirs.iter().map(|dir| dir.guest.as_str()).collect();
            assert_eq!(names, ["/", ctx.cwd.as_str()]);
        }
    }

    #[test]
    fn script_elsewhere_has_a_read_only_directory() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        let beside = ctx.cwd.parent().unwrap().join("beside");
        let seen = view(&["../beside/other.py"], &ctx).unwrap();
        assert_eq!(seen.python_args, [beside.join("other.py")]);
        assert_eq!(seen.dirs[2], Dir::read_only(&beside, beside.as_str()));
        let seen = view(&["--no-cwd", "own.py"], &ctx).unwrap();
        assert_eq!(seen.python_args, [ctx.cwd.join("own.py")]);
        assert_eq!(seen.dirs, [Dir::read_only(&ctx.cwd, ctx.cwd.as_str())]);
    }

    #[test]
    fn script_can_be_named_by_its_guest_path() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        let beside = ctx.cwd.parent().unwrap().join("beside");
        let seen = view(&["--no-cwd", "--dir", "../beside::/in:ro", "/in/other.py"], &ctx).unwrap();
        assert_eq!(seen.python_args, ["/in/other.py"]);
        assert_eq!(seen.dirs, [Dir::read_only(&beside, "/in")]);
    }

    #[test]
    fn directory_with_dots_is_mapped_by_its_full_path() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        let beside = ctx.cwd.parent().unwrap().join("beside");
        let seen = view(&["--no-cwd", "--dir", "../beside", "--dir", "sub"], &ctx).unwrap();
        assert_eq!(
            seen.dirs,
            [Dir::writable(&beside, beside.as_str()), Dir::writable(&ctx.cwd.join("sub"), "sub")]
        );
    }

    #[test]
    fn missing_script_or_directory_is_named() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        for (words, named) in
            [(&["none.py"][..], "script `"), (&["--dir", "none", "own.py"], "directory `")]
        {
            let error = view(words, &ctx).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("here/none"), "{error}");
        }
    }
}
