//! `cargo pywasm run`: Python in the embedded runtime.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::config::Selection;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::installed;
use crate::runtime::{Bounds, Dir, End, Program, Runtime};
use crate::smoke;

/// Run Python on wasm: a script, -c CODE, -m MODULE, or a REPL on a terminal
///
/// The program sees the current directory (as `/`, and under its own path), the directory of the
/// script, and what --dir and --env name: no other file, no other variable, no network.
///
/// It ends with Python's exit code; 124 when its time is over, 125 when its fuel is used up, 134
/// when it trapped. Ctrl-C ends it at once: WASI has no signals, so no KeyboardInterrupt is raised.
/// What stands before Python's own command line is an option of this command: `run -- --help` and
/// `run -- -V` ask Python.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// A directory the program sees; it may change it unless `:ro` stands behind. Without GUEST it
    /// has the name that is given, or its full path when that name leads upwards
    #[arg(long, value_name = "HOST[::GUEST][:ro]", value_parser = parse_dir)]
    dir: Vec<Dir>,
    /// A variable of its environment; without a value, that of yours
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Do not show it the current directory
    #[arg(long)]
    no_cwd: bool,
    /// wasm instructions it may use (exit code 125 when they are used up)
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,
    /// Time it may take, `90s` or `5m` (exit code 124 when it is over)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Memory it may use, `512MiB` (Python raises MemoryError past it)
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Python's own command line, from the first word that is none of the options above
    #[arg(value_name = "PYTHON_ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    python_args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When no installation matches, a directory can't be opened, or the program can't be started.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let python = installed::find(&args.selection, ctx)?;
    let bounds = Bounds {
        fuel: args.fuel,
        timeout: args.timeout,
        memory: args.memory.map(|size| size.as_u64()),
    };
    let runtime = Runtime::bounded(bounds, ctx)?;
    let module = runtime.load(&Utf8PathBuf::try_from(python.python_wasm())?)?;
    let line = Line::of(&args.python_args);
    let mut program = Program::new("python").dir(smoke::stdlib(&python)?).inherit_stdin();
    let view = View::of(args, line.script, ctx)?;
    for dir in view.dirs {
        program = program.dir(dir);
    }
    if line.prompts && std::io::stdin().is_terminal() {
        // The REPL with colours needs termios, and 3.13 says at every start that it is missing.
        program = program.env("PYTHON_BASIC_REPL", "1");
    }
    for variable in &args.env {
        let (name, value) = variable_of(variable, ctx)?;
        program = program.env(&name, value);
    }
    program = program.args(view.python_args);
    let end = runtime.run(&module, &program)?;
    if !matches!(end, End::Exit(_)) {
        ctx.reporter.error(&anyhow::anyhow!("the program was stopped: {end}"));
    }
    Ok(Exit::Program(end.code()))
}

/// `HOST[::GUEST][:ro]`; the guest's name is the host's path as it was given.
fn parse_dir(text: &str) -> Result<Dir, String> {
    let (text, writable) = match text.strip_suffix(":ro") {
        Some(text) => (text, false),
        None => (text, true),
    };
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    if host.is_empty() || guest.is_empty() {
        return Err("a directory and its name in the guest are needed: HOST::GUEST".to_owned());
    }
    Ok(Dir { host: host.into(), guest: guest.to_owned(), writable })
}

/// What the program sees of the machine beside the standard library, and its command line as it
/// must be in there.
#[derive(Debug, PartialEq, Eq)]
struct View {
    dirs: Vec<Dir>,
    python_args: Vec<String>,
}

impl View {
    fn of(args: &Args, script: Option<usize>, ctx: &Ctx) -> anyhow::Result<Self> {
        let mut dirs = Vec::new();
        let mut python_args = args.python_args.clone();
        if !args.no_cwd {
            // `/` is where a program of WASI starts, so relative paths mean what they mean here.
            dirs.push(Dir::writable(&ctx.cwd, "/"));
            dirs.push(Dir::writable(&ctx.cwd, ctx.cwd.as_str()));
        }
        let named = args.dir.iter().map(|dir| resolved(dir, ctx)).collect::<anyhow::Result<_>>()?;
        let named: Vec<Dir> = named;
        if let Some(word) = script.map(|index| &mut python_args[index])
            && !is_in(&named, word)
        {
            let given = ctx.cwd.join(&*word);
            let path = given
                .canonicalize_utf8()
                .with_context(|| format!("can't open script `{given}`"))?;
            let in_cwd = !args.no_cwd && path.starts_with(&ctx.cwd);
            // There is no way up from `/`: such a script goes by its absolute path.
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

/// A directory that was named, with its full path, and a name that can be reached in the guest.
fn resolved(dir: &Dir, ctx: &Ctx) -> anyhow::Result<Dir> {
    let given = ctx.cwd.join(&dir.host);
    let host =
        given.canonicalize_utf8().with_context(|| format!("can't open directory `{given}`"))?;
    let own_name = dir.guest == dir.host.as_str() && dir.host.is_relative();
    let guest =
        if own_name && !goes_down(&dir.guest) { host.to_string() } else { dir.guest.clone() };
    Ok(Dir { host, guest, ..*dir })
}

/// Whether a path of the guest is a file in one of these directories.
fn is_in(dirs: &[Dir], path: &str) -> bool {
    let path = Utf8Path::new(path);
    dirs.iter()
        .any(|dir| path.strip_prefix(&dir.guest).is_ok_and(|below| dir.host.join(below).is_file()))
}

/// Whether a path stays below where it starts.
fn goes_down(path: &str) -> bool {
    Utf8Path::new(path)
        .components()
        .all(|part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir))
}

/// What Python's command line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// Where the script stands in it, if there is one.
    script: Option<usize>,
    /// Whether Python asks for more on a terminal.
    prompts: bool,
}

impl Line {
    /// Source of the options: `SHORT_OPTS` and `longopts` in CPython's `Python/getopt.c`.
    fn of(args: &[String]) -> Self {
        let mut interactive = false;
        let mut words = args.iter().enumerate();
        while let Some((index, word)) = words.next() {
            match word.as_str() {
                "-" => break,
                "--" => {
                    let script = words.next().filter(|(_, word)| *word != "-");
                    let prompts = interactive || script.is_none();
                    return Self { script: script.map(|(index, _)| index), prompts };
                }
                "--check-hash-based-pycs" => {
                    words.next();
                    continue;
                }
                long if long.starts_with("--") => continue,
                _ => {}
            }
            let Some(options) = word.strip_prefix('-') else {
                return Self { script: Some(index), prompts: interactive };
            };
            for (at, option) in options.char_indices() {
                match option {
                    // The rest of the word or the next one is code; what follows is its own.
                    'c' | 'm' => return Self { script: None, prompts: interactive },
                    'W' | 'X' => {
                        if at + 1 == options.len() {
                            words.next();
                        }
                        break;
                    }
                    'i' => interactive = true,
                    _ => {}
                }
            }
        }
        Self { script: None, prompts: true }
    }
}

fn variable_of(text: &str, ctx: &Ctx) -> anyhow::Result<(String, String)> {
    if let Some((name, value)) = text.split_once('=') {
        anyhow::ensure!(!name.is_empty(), "`--env {text}` names no variable");
        return Ok((name.to_owned(), value.to_owned()));
    }
    let value =
        ctx.env.text(text).with_context(|| format!("`--env {text}`: it is not set here"))?;
    Ok((text.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::env::Environment;
    use crate::reporter::Reporter;
    use crate::store::Store;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &[&str]) -> Args {
        Cli::try_parse_from(["run"].iter().chain(words)).unwrap().args
    }

    /// A user in `root/here`, with scripts there and beside it.
    fn at(root: &tempfile::TempDir) -> Ctx {
        let root = Utf8PathBuf::from_path_buf(root.path().canonicalize().unwrap()).unwrap();
        for file in ["here/own.py", "here/sub/own.py", "beside/other.py"] {
            fs_err::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs_err::write(root.join(file), "").unwrap();
        }
        Ctx {
            env: Environment::of(&[("SECRET", "s"), ("SHARED", "yes")]),
            store: Store::at(&root.join("store")),
            reporter: Reporter::captured(),
            offline: true,
            jobs: std::num::NonZeroUsize::MIN,
            cwd: root.join("here"),
        }
    }

    fn view(words: &[&str], ctx: &Ctx) -> anyhow::Result<View> {
        let args = parse(words);
        let script = Line::of(&args.python_args).script;
        View::of(&args, script, ctx)
    }

    #[test]
    fn the_script_is_found_behind_pythons_own_options() {
        for (line, script, prompts) in [
            ("script.py -c x", Some(0), false),
            ("-W error -X dev -u script.py arg", Some(5), false),
            ("-Wcommon script.py", Some(1), false),
            ("-BW error script.py", Some(2), false),
            ("--check-hash-based-pycs always script.py", Some(2), false),
            ("-- script.py", Some(1), false),
            ("-i script.py", Some(1), true),
            ("-c print(1) arg", None, false),
            ("-Im json.tool", None, false),
            ("-ic x=1", None, true),
            ("-", None, true),
            ("- script.py", None, true),
            ("-q", None, true),
            ("", None, true),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(Line::of(&words), Line { script, prompts }, "{line}");
        }
    }

    #[test]
    fn what_follows_the_program_is_the_programs() {
        for words in [
            &["-c", "print(1)", "--timeout", "soon", "-h", "--", "-q"][..],
            &["script.py", "--memory", "--offline", "-V"],
            &["-m", "json.tool", "--help"],
        ] {
            assert_eq!(parse(words).python_args, words);
        }
        let args = parse(&["--fuel", "7", "-c", "x", "--fuel", "8"]);
        assert_eq!((args.fuel, args.python_args.len()), (Some(7), 4));
    }

    #[test]
    fn a_limit_that_can_not_be_read_is_refused() {
        for words in [["--timeout", "soon"], ["--memory", "much"], ["--fuel", "-1"]] {
            let words = ["run"].iter().chain(&words).copied().chain(["x.py"]);
            assert!(Cli::try_parse_from(words).is_err());
        }
    }

    #[test]
    fn a_script_below_the_current_directory_keeps_the_name_it_was_given() {
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
    fn a_script_elsewhere_goes_by_its_full_path_and_can_not_change_its_directory() {
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
    fn a_script_in_a_named_directory_may_go_by_its_name_in_there() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        let beside = ctx.cwd.parent().unwrap().join("beside");
        let seen = view(&["--no-cwd", "--dir", "../beside::/in:ro", "/in/other.py"], &ctx).unwrap();
        assert_eq!(seen.python_args, ["/in/other.py"]);
        assert_eq!(seen.dirs, [Dir::read_only(&beside, "/in")]);
    }

    #[test]
    fn a_named_directory_that_leads_upwards_goes_by_its_full_path() {
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
    fn a_script_or_directory_that_is_not_there_is_named() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        for (words, named) in
            [(&["none.py"][..], "script `"), (&["--dir", "none", "own.py"], "directory `")]
        {
            let error = view(words, &ctx).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("here/none"), "{error}");
        }
    }

    #[test]
    fn a_variable_is_given_or_taken_by_name() {
        let root = tempfile::tempdir().unwrap();
        let ctx = at(&root);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(variable_of("A=b=c", &ctx).unwrap(), pair("A", "b=c"));
        assert_eq!(variable_of("A=", &ctx).unwrap(), pair("A", ""));
        assert_eq!(variable_of("SHARED", &ctx).unwrap(), pair("SHARED", "yes"));
        assert!(variable_of("NONE", &ctx).unwrap_err().to_string().contains("NONE"));
        assert!(variable_of("=x", &ctx).is_err());
    }

    #[test]
    fn a_directory_has_a_name_and_may_be_read_only() {
        let dir = parse_dir("/data::/in:ro").unwrap();
        assert_eq!(dir, Dir::read_only("/data".into(), "/in"));
        assert_eq!(parse_dir("data").unwrap(), Dir::writable("data".into(), "data"));
        assert!(parse_dir("::/in").is_err());
    }
}
