//! What a program that runs here may see and use: the options that `run` and `run-wasm` share.
//!
//! Nothing of the machine is in a program's view that is not named here or by the user.

use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use camino::{Utf8Component, Utf8Path};

use pywasm_runtime::{Bounds, Dir, Program};
use pywasm_store::Ctx;

/// What a program sees and may use beside the current directory.
#[derive(Debug, clap::Args)]
pub struct Sandbox {
    #[command(flatten)]
    given: Given,
    /// Do not show it the current directory
    #[arg(long)]
    pub no_cwd: bool,
}

/// Directories, variables and limits, as the command line names them.
#[derive(Debug, clap::Args)]
pub struct Given {
    /// A directory the program sees; it may change it unless `:ro` stands behind. Without GUEST it
    /// has the name that is given, or its full path when that name leads upwards
    #[arg(long, value_name = "HOST[::GUEST][:ro]", value_parser = parse_dir)]
    dir: Vec<Dir>,
    /// A variable of its environment; without a value, that of yours
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// wasm instructions it may use (exit code 125 when they are used up)
    #[arg(long, value_name = "N")]
    pub(crate) fuel: Option<u64>,
    /// Time it may take, `90s` or `5m` (exit code 124 when it is over)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Memory it may use, `512MiB` (Python raises MemoryError past it)
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
}

impl std::ops::Deref for Sandbox {
    type Target = Given;

    fn deref(&self) -> &Given {
        &self.given
    }
}

impl Sandbox {
    /// The words of a command line that say the same.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let given = &self.given;
        let mut words = Vec::new();
        for dir in &given.dir {
            let mode = if dir.writable { "" } else { ":ro" };
            words.extend(["--dir".to_owned(), format!("{}::{}{mode}", dir.host, dir.guest)]);
        }
        words.extend(given.env.iter().flat_map(|env| ["--env".to_owned(), env.clone()]));
        words.extend(self.no_cwd.then(|| "--no-cwd".to_owned()));
        let mut limit = |name: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        limit("--fuel", given.fuel.map(|fuel| fuel.to_string()));
        limit("--timeout", given.timeout.map(|time| format!("{}ns", time.as_nanos())));
        limit("--memory", given.memory.map(|size| format!("{}B", size.as_u64())));
        words
    }

    /// The current directory, unless it is not to be seen. `/` is where a program of WASI
    /// starts, so relative paths mean what they mean here.
    #[must_use]
    pub fn cwd(&self, ctx: &Ctx) -> Vec<Dir> {
        if self.no_cwd {
            return Vec::new();
        }
        vec![Dir::writable(&ctx.cwd, "/"), Dir::writable(&ctx.cwd, ctx.cwd.as_str())]
    }
}

impl Given {
    /// The limits.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds {
            fuel: self.fuel,
            timeout: self.timeout,
            memory: self.memory.map(|size| size.as_u64()),
        }
    }

    /// The directories that were named.
    ///
    /// # Errors
    /// When one of them can't be opened.
    pub fn named(&self, ctx: &Ctx) -> anyhow::Result<Vec<Dir>> {
        self.dir.iter().map(|dir| resolved(dir, ctx)).collect()
    }

    /// The program with the variables that were named.
    ///
    /// # Errors
    /// When one without a value is not set here.
    pub fn with_variables(&self, mut program: Program, ctx: &Ctx) -> anyhow::Result<Program> {
        for variable in &self.env {
            let (name, value) = variable_of(variable, ctx)?;
            program = program.env(&name, value);
        }
        Ok(program)
    }
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

/// Whether a path stays below where it starts.
pub(crate) fn goes_down(path: &str) -> bool {
    Utf8Path::new(path)
        .components()
        .all(|part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir))
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
    use pywasm_session::Environment;
    use pywasm_session::Reporter;
    use pywasm_store::Store;

    #[test]
    fn a_variable_is_given_or_taken_by_name() {
        let ctx = Ctx {
            env: Environment::of(&[("SECRET", "s"), ("SHARED", "yes")]),
            store: Store::at("/nowhere".into()),
            reporter: Reporter::captured(),
            offline: true,
            jobs: Ctx::default_jobs(),
            cwd: "/".into(),
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(variable_of("A=b=c", &ctx).unwrap(), pair("A", "b=c"));
        assert_eq!(variable_of("A=", &ctx).unwrap(), pair("A", ""));
        assert_eq!(variable_of("SHARED", &ctx).unwrap(), pair("SHARED", "yes"));
        assert!(variable_of("NONE", &ctx).unwrap_err().to_string().contains("NONE"));
        assert!(variable_of("=x", &ctx).is_err());
    }

    #[test]
    fn its_words_say_the_same() {
        #[derive(Debug, clap::Parser)]
        struct Cli {
            #[command(flatten)]
            sandbox: Sandbox,
        }
        let parse = |words: &[String]| {
            let words = ["x".to_owned()].into_iter().chain(words.iter().cloned());
            <Cli as clap::Parser>::try_parse_from(words).unwrap().sandbox
        };
        let words = "--dir a::/b:ro --dir c --env A=1 --env B --no-cwd --fuel 7 --timeout 1500ms \
            --memory 64MiB";
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let sandbox = parse(&words);
        assert_eq!(format!("{:?}", parse(&sandbox.words())), format!("{sandbox:?}"));
        assert_eq!(parse(&[]).words(), [""; 0]);
    }

    #[test]
    fn a_directory_has_a_name_and_may_be_read_only() {
        let dir = parse_dir("/data::/in:ro").unwrap();
        assert_eq!(dir, Dir::read_only("/data".into(), "/in"));
        assert_eq!(parse_dir("data").unwrap(), Dir::writable("data".into(), "data"));
        assert!(parse_dir("::/in").is_err());
    }
}
