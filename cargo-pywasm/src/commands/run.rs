//! `cargo pywasm run`: Python in the embedded runtime.

use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use camino::{Utf8Path, Utf8PathBuf};

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
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// A directory the program sees; it may change it unless `:ro` stands behind
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
    let mut program = Program::new("python").dir(smoke::stdlib(&python)?).inherit_stdin();
    for dir in directories(args, ctx)? {
        program = program.dir(dir);
    }
    for variable in &args.env {
        let (name, value) = variable_of(variable, ctx)?;
        program = program.env(&name, value);
    }
    if args.python_args.is_empty() {
        // The new REPL wants termios, which WASI does not have, and would say so at every start.
        program = program.env("PYTHON_BASIC_REPL", "1");
    }
    program = program.args(guest_args(&args.python_args, ctx)?);
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

/// What the program sees of the machine, beside the standard library.
fn directories(args: &Args, ctx: &Ctx) -> anyhow::Result<Vec<Dir>> {
    let mut dirs = Vec::new();
    if !args.no_cwd {
        // `/` is where a program of WASI starts, so relative paths mean what they mean here.
        dirs.push(Dir::writable(&ctx.cwd, "/"));
        dirs.push(Dir::writable(&ctx.cwd, ctx.cwd.as_str()));
    }
    if let Some(script) = script_of(&args.python_args) {
        let path = ctx.cwd.join(&args.python_args[script]);
        let path =
            path.canonicalize_utf8().with_context(|| format!("can't open script `{path}`"))?;
        let parent = path.parent().unwrap_or(Utf8Path::new("/"));
        if args.no_cwd || !path.starts_with(&ctx.cwd) {
            dirs.push(Dir::read_only(parent, parent.as_str()));
        }
    }
    for dir in &args.dir {
        dirs.push(Dir { host: ctx.cwd.join(&dir.host), ..dir.clone() });
    }
    Ok(dirs)
}

/// Python's arguments as the guest must see them: a script outside the current directory goes by
/// its absolute path, because there is no way up from `/`.
fn guest_args(python_args: &[String], ctx: &Ctx) -> anyhow::Result<Vec<String>> {
    let mut args = python_args.to_vec();
    if let Some(script) = script_of(python_args) {
        let given = ctx.cwd.join(&args[script]);
        let path =
            given.canonicalize_utf8().with_context(|| format!("can't open script `{given}`"))?;
        let below = Utf8Path::new(&args[script]).is_relative() && path.starts_with(&ctx.cwd);
        if !below || args[script].contains("..") {
            args[script] = path.into_string();
        }
    }
    Ok(args)
}

/// Where the script stands in Python's command line, if there is one.
///
/// Source of the options with a value: `python --help` of 3.13.
fn script_of(args: &[String]) -> Option<usize> {
    let mut words = args.iter().enumerate();
    while let Some((index, word)) = words.next() {
        match word.as_str() {
            "-" => return None,
            "--" => return words.next().map(|(index, _)| index),
            "-W" | "-X" | "--check-hash-based-pycs" => {
                words.next();
            }
            option if option.starts_with("--") => {}
            // `-c` and `-m` end Python's options, alone or at the end of others: `-Ic`.
            option if option.starts_with('-') => {
                if option.contains(['c', 'm'])
                    && !option.starts_with("-X")
                    && !option.starts_with("-W")
                {
                    return None;
                }
            }
            _ => return Some(index),
        }
    }
    None
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
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_script_is_found_behind_pythons_own_options() {
        for (line, script) in [
            ("script.py -c x", Some(0)),
            ("-W error -X dev -u script.py arg", Some(5)),
            ("-- script.py", Some(1)),
            ("-c print(1) arg", None),
            ("-Im json.tool", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(script_of(&words(line)), script, "{line}");
        }
    }

    #[test]
    fn a_directory_has_a_name_and_may_be_read_only() {
        let dir = parse_dir("/data::/in:ro").unwrap();
        assert_eq!(dir, Dir::read_only("/data".into(), "/in"));
        assert_eq!(parse_dir("data").unwrap(), Dir::writable("data".into(), "data"));
        assert!(parse_dir("::/in").is_err());
    }
}
