//! A program to run, as data: its arguments, environment, directories and input.

use camino::{Utf8Path, Utf8PathBuf};

/// A directory of the host that the program can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    /// The path of the directory on the host.
    pub host: Utf8PathBuf,
    /// The path of the directory as the program sees it.
    pub guest: String,
    /// True if the program may write to the directory.
    pub writable: bool,
}

/// The program's standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// No input.
    #[default]
    Empty,
    /// This text.
    Text(String),
    /// The standard input of this process.
    Inherit,
}

/// A program's arguments, environment, directories and input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) dirs: Vec<Dir>,
    pub(super) stdin: Stdin,
    pub(super) keeps_memory: bool,
}

impl Dir {
    /// Describes a directory that the program can only read.
    #[must_use]
    pub fn read_only(host: &Utf8Path, guest: impl Into<String>) -> Self {
        Self { host: host.to_owned(), guest: guest.into(), writable: false }
    }

    /// Describes a directory that the program can read and write.
    #[must_use]
    pub fn writable(host: &Utf8Path, guest: impl Into<String>) -> Self {
        Self { host: host.to_owned(), guest: guest.into(), writable: true }
    }
}

impl Program {
    /// Creates a program with `argv[0]` set to `name`, and without environment variables,
    /// directories or input.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let args = vec![name.to_owned()];
        Self { args, env: Vec::new(), dirs: Vec::new(), stdin: Stdin::Empty, keeps_memory: false }
    }

    /// Keeps the program's memory after its end.
    #[must_use]
    pub fn keep_memory(mut self) -> Self {
        self.keeps_memory = true;
        self
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a directory.
    #[must_use]
    pub fn dir(mut self, dir: Dir) -> Self {
        self.dirs.push(dir);
        self
    }

    /// Passes text as standard input.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = Stdin::Text(text.into());
        self
    }

    /// Passes the standard input of this process.
    #[must_use]
    pub fn inherit_stdin(mut self) -> Self {
        self.stdin = Stdin::Inherit;
        self
    }

    /// Returns true if the environment contains a variable with this name.
    #[must_use]
    pub fn has_env(&self, name: &str) -> bool {
        self.env.iter().any(|(other, _)| other == name)
    }

    /// Returns the number of directories.
    #[must_use]
    pub fn dir_count(&self) -> usize {
        self.dirs.len()
    }
}
