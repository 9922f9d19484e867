//! The sandbox options that `run`, `run-wasm` and `snapshot` share.
//!
//! A program in the sandbox sees only the directories and variables that the command or the user
//! passes to it.

use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use camino::{Utf8Component, Utf8Path};

use pywasm_audit::Policy;
use pywasm_runtime::{Bounds, Dir, Module, Program};
use pywasm_store::Ctx;

/// The options in [`Access`], and the options that only running programs have.
#[derive(Debug, clap::Args)]
pub struct Sandbox {
    #[command(flatten)]
    access: Access,
    /// Hide the current directory from the program
    #[arg(long)]
    pub no_cwd: bool,
    /// Let imported functions that this runtime does not provide trap when they are called
    #[arg(long)]
    trap_imports: bool,
}

/// The options for directories, variables and limits.
#[derive(Debug, clap::Args)]
pub struct Access {
    /// Give the program access to the directory HOST as GUEST, read-only with `:ro`. GUEST defaults
    /// to HOST, or to the full path if HOST contains `..`
    #[arg(long, value_name = "HOST[::GUEST][:ro]", value_parser = parse_dir)]
    dir: Vec<Dir>,
    /// Set an environment variable; without VALUE, use the value from your environment
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Limit the number of wasm instructions (exit code 125 when the limit is reached)
    #[arg(long, value_name = "N")]
    pub(crate) fuel: Option<u64>,
    /// Limit the running time, for example to `90s` or `5m` (exit code 124 when it is exceeded)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Limit the memory, for example to `512MiB` (beyond the limit, Python raises MemoryError)
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Limit the stack for wasm calls, for example to `512KiB`, which is the default of wasmtime
    #[arg(long, value_name = "SIZE")]
    stack: Option<ByteSize>,
}

impl std::ops::Deref for Sandbox {
    type Target = Access;

    fn deref(&self) -> &Access {
        &self.access
    }
}

impl Sandbox {
    /// Converts the options back to command-line arguments.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let access = &self.access;
        let mut words = Vec::new();
        for dir in &access.dir {
            let mode = if dir.writable { "" } else { ":ro" };
            words.extend(["--dir".to_owned(), format!("{}::{}{mode}", dir.host, dir.guest)]);
        }
        words.extend(access.env.iter().flat_map(|env| ["--env".to_owned(), env.clone()]));
        words.extend(self.no_cwd.then(|| "--no-cwd".to_owned()));
        words.extend(self.trap_imports.then(|| "--trap-imports".to_owned()));
        let mut limit = |name: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        limit("--fuel", access.fuel.map(|fuel| fuel.to_string()));
        limit("--timeout", access.timeout.map(|time| format!("{}ns", time.as_nanos())));
        let bytes = |size: Option<ByteSize>| size.map(|size| format!("{}B", size.as_u64()));
        limit("--memory", bytes(access.memory));
        limit("--stack", bytes(access.stack));
        words
    }

    /// Makes calls to imported functions trap that only the program's own host provides: those in
    /// `policy`, or with `--trap-imports`, all of them.
    #[must_use]
    pub fn with_trapped_imports(&self, module: Module, policy: &Policy) -> Module {
        module.with_trapped_imports(|from, name| self.trap_imports || policy.has(from, name))
    }

    /// Maps the current directory to `/` and to its full path, or returns nothing if the directory
    /// is hidden. The mapping to `/` makes relative paths work, because WASI programs start in `/`.
    #[must_use]
    pub fn cwd(&self, ctx: &Ctx) -> Vec<Dir> {
        if self.no_cwd {
            return Vec::new();
        }
        vec![Dir::writable(&ctx.cwd, "/"), Dir::writable(&ctx.cwd, ctx.cwd.as_str())]
    }
}

impl Access {
    /// Returns the limits.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds {
            fuel: self.fuel,
            timeout: self.timeout,
            memory: self.memory.map(|size| size.as_u64()),
            stack: self.stack.map(|size| size.as_u64()),
        }
    }

    /// Returns the directories passed with `--dir`.
    ///
    /// # Errors
    /// When a directory cannot be opened.
    pub fn named(&self, ctx: &Ctx) -> anyhow::Result<Vec<Dir>> {
        self.dir.iter().map(|dir| resolved(dir, ctx)).collect()
    }

    /// Returns true if `--env` sets this variable.
    #[must_use]
    pub fn sets(&self, variable: &str) -> bool {
        self.env.iter().any(|it| it.split('=').next() == Some(variable))
    }

    /// Adds the variables passed with `--env` to a program.
    ///
    /// # Errors
    /// When `--env NAME` has no value and the variable is not set in the user's environment.
    pub fn with_variables(&self, mut program: Program, ctx: &Ctx) -> anyhow::Result<Program> {
        for variable in &self.env {
            let (name, value) = variable_of(variable, ctx)?;
            program = program.env(&name, value);
        }
        Ok(program)
    }
}

/// Parses `HOST[::GUEST][:ro]`. GUEST defaults to HOST.
fn parse_dir(text: &str) -> Result<Dir, String> {
    let (text, writable) = match text.strip_suffix(":ro") {
        Some(text) => (text, false),
        None => (text, true),
    };
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    if host.is_empty() || guest.is_empty() {
        return Err("expected HOST::GUEST: a directory, and the path at which the program sees it"
            .to_owned());
    }
    Ok(Dir { host: host.into(), guest: guest.to_owned(), writable })
}

/// Replaces the host path of a directory with the full path. Also replaces a guest path that
/// defaulted to a host path containing `..`.
fn resolved(dir: &Dir, ctx: &Ctx) -> anyhow::Result<Dir> {
    let path = ctx.cwd.join(&dir.host);
    let host =
        path.canonicalize_utf8().with_context(|| format!("cannot open directory `{path}`"))?;
    let is_default = dir.guest == dir.host.as_str() && dir.host.is_relative();
    let guest =
        if is_default && !goes_down(&dir.guest) { host.to_string() } else { dir.guest.clone() };
    Ok(Dir { host, guest, ..*dir })
}

/// Returns true if a path is relative and contains no `..`.
pub(crate) fn goes_down(path: &str) -> bool {
    Utf8Path::new(path)
        .components()
        .all(|part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir))
}

fn variable_of(text: &str, ctx: &Ctx) -> anyhow::Result<(String, String)> {
    if let Some((name, value)) = text.split_once('=') {
        anyhow::ensure!(!name.is_empty(), "the variable in `--env {text}` has no name");
        return Ok((name.to_owned(), value.to_owned()));
    }
    let value =
        ctx.env.text(text).with_context(|| format!("`--env {text}`: the variable is not set"))?;
    Ok((text.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_has_a_value_or_is_inherited() {
        let ctx = Ctx::for_tests("/".into(), &[("SECRET", "s"), ("SHARED", "yes")]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(variable_of("A=b=c", &ctx).unwrap(), pair("A", "b=c"));
        assert_eq!(variable_of("A=", &ctx).unwrap(), pair("A", ""));
        assert_eq!(variable_of("SHARED", &ctx).unwrap(), pair("SHARED", "yes"));
        assert!(variable_of("NONE", &ctx).unwrap_err().to_string().contains("NONE"));
        assert!(variable_of("=x", &ctx).is_err());
    }

    #[test]
    fn words_round_trip() {
        #[derive(Debug, clap::Parser)]
        struct Cli {
            #[command(flatten)]
            sandbox: Sandbox,
        }
        let parse = |words: &[String]| {
            let words = ["x".to_owned()].into_iter().chain(words.iter().cloned());
            <Cli as clap::Parser>::try_parse_from(words).unwrap().sandbox
        };
        let words = "--dir a::/b:ro --dir c --env A=1 --env B --no-cwd --trap-imports --fuel 7 \
            --timeout 1500ms --memory 64MiB --stack 512KiB";
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let sandbox = parse(&words);
        assert_eq!(format!("{:?}", parse(&sandbox.words())), format!("{sandbox:?}"));
        assert_eq!(parse(&[]).words(), [""; 0]);
    }

    #[test]
    fn directory_has_a_guest_path_and_mode() {
        let dir = parse_dir("/data::/in:ro").unwrap();
        assert_eq!(dir, Dir::read_only("/data".into(), "/in"));
        assert_eq!(parse_dir("data").unwrap(), Dir::writable("data".into(), "data"));
        assert!(parse_dir("::/in").is_err());
    }
}
