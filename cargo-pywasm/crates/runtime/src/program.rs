//! A program to run, as data: nothing of the user's machine is in it but what is listed.

use camino::{Utf8Path, Utf8PathBuf};

/// A directory of the machine that the program sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    /// Where it is on the machine.
    pub host: Utf8PathBuf,
    /// What the program calls it.
    pub guest: String,
    /// Whether the program may change what is in it.
    pub writable: bool,
}

/// Where the program's standard streams lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing to read.
    #[default]
    Empty,
    /// This text.
    Text(String),
    /// This process's own.
    Inherit,
}

/// What is run: arguments, environment, directories, input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) dirs: Vec<Dir>,
    pub(super) stdin: Stdin,
}

impl Dir {
    /// A directory that the program can read.
    #[must_use]
    pub fn read_only(host: &Utf8Path, guest: impl Into<String>) -> Self {
        Self { host: host.to_owned(), guest: guest.into(), writable: false }
    }

    /// A directory that the program can read and change.
    #[must_use]
    pub fn writable(host: &Utf8Path, guest: impl Into<String>) -> Self {
        Self { host: host.to_owned(), guest: guest.into(), writable: true }
    }
}

impl Program {
    /// A program whose `argv[0]` is `name`, with no environment and no files.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { args: vec![name.to_owned()], env: Vec::new(), dirs: Vec::new(), stdin: Stdin::Empty }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With one more variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// With one more directory.
    #[must_use]
    pub fn dir(mut self, dir: Dir) -> Self {
        self.dirs.push(dir);
        self
    }

    /// With this text on standard input.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = Stdin::Text(text.into());
        self
    }

    /// With this process's own standard input.
    #[must_use]
    pub fn inherit_stdin(mut self) -> Self {
        self.stdin = Stdin::Inherit;
        self
    }

    /// Whether it is given a variable.
    #[must_use]
    pub fn has_env(&self, name: &str) -> bool {
        self.env.iter().any(|(given, _)| given == name)
    }

    /// How many directories it sees.
    #[must_use]
    pub fn dir_count(&self) -> usize {
        self.dirs.len()
    }
}
