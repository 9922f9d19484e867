//! Runs the tool as a user would: as a binary, with a store of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use xshell::{Cmd, Shell, cmd};

use crate::checks::{self, Profile};

/// Returns the path of the workspace root.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("xtask is in the workspace").to_owned()
}

/// Returns the target directory of the workspace.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Returns the directory into which Cargo builds all crates that embed Python.
pub(crate) fn embed_target() -> PathBuf {
    root().join("target/embed")
}

/// Returns the path of the store that the end-to-end tests and their single steps share.
pub(crate) fn e2e_store() -> PathBuf {
    root().join("target/e2e-store")
}

/// A binary of the tool, and the store that it uses.
#[derive(Debug)]
pub(crate) struct Tool<'a> {
    shell: &'a Shell,
    binary: PathBuf,
    store: PathBuf,
}

impl<'a> Tool<'a> {
    /// Builds the tool with all features, using the command that compiles the tests. If the tests
    /// have already run, nothing is compiled again.
    pub(crate) fn tested(shell: &'a Shell, store: &Path) -> anyhow::Result<Self> {
        checks::tests::build(shell)?;
        let binary = target().join(Profile::EndToEnd.name()).join("cargo-pywasm");
        Self::at(shell, binary, store)
    }

    /// Uses the binary `built` or, if it is `None`, builds the tool in release mode with all
    /// features.
    pub(crate) fn release(
        shell: &'a Shell,
        store: &Path,
        built: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let binary = match built {
            Some(binary) => std::path::absolute(binary)?,
            None => {
                cmd!(shell, "cargo build --release --package cargo-pywasm --all-features").run()?;
                target().join("release/cargo-pywasm")
            }
        };
        Self::at(shell, binary, store)
    }

    /// Returns the same binary with a different store.
    pub(crate) fn with_store(&self, store: &Path) -> Self {
        Self { shell: self.shell, binary: self.binary.clone(), store: store.to_owned() }
    }

    fn at(shell: &'a Shell, binary: PathBuf, store: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(binary.is_file(), "`{}` does not exist", binary.display());
        Ok(Self { shell, binary, store: store.to_owned() })
    }

    /// Returns the shell that runs the commands.
    pub(crate) fn shell(&self) -> &'a Shell {
        self.shell
    }

    /// Returns the path of the store.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Returns the path of the binary, for callers that cannot use [`Tool::call`].
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// Returns the command `cargo pywasm ARGS`.
    pub(crate) fn call<'b>(&'b self, args: &[&str]) -> Cmd<'b> {
        let (binary, store) = (&self.binary, &self.store);
        cmd!(self.shell, "{binary} pywasm {args...}").env("PYWASM_STORE", store)
    }

    /// Runs `cargo pywasm ARGS` in a directory.
    pub(crate) fn call_in(&self, dir: &Path, args: &[&str]) -> anyhow::Result<()> {
        let _dir = self.shell.push_dir(dir);
        self.with_tool(self.call(args))?.run()?;
        Ok(())
    }

    /// Returns the command that [`Tool::call_in`] runs.
    pub(crate) fn command_in(&self, dir: &Path, args: &[&str]) -> anyhow::Result<Command> {
        let _dir = self.shell.push_dir(dir);
        Ok(self.with_tool(self.call(args))?.into())
    }

    /// Runs `cargo pywasm ARGS` in a directory and returns its standard output.
    pub(crate) fn read_in(&self, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
        let _dir = self.shell.push_dir(dir);
        Ok(self.with_tool(self.call(args))?.read()?)
    }

    /// Runs `cargo pywasm ARGS` in a directory, expects it to fail, and returns its standard error.
    pub(crate) fn fail_in(&self, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
        let _dir = self.shell.push_dir(dir);
        let output = self.with_tool(self.call(args))?.ignore_status().output()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(!output.status.success(), "`{}` did not fail: {stderr}", args.join(" "));
        Ok(stderr)
    }

    /// Runs plain Cargo in a crate, with the tool on `PATH`.
    pub(crate) fn cargo(&self, dir: &Path, args: &[&str]) -> anyhow::Result<()> {
        self.cargo_with(dir, args, &[])
    }

    /// Runs plain Cargo in a crate, with additional environment variables.
    pub(crate) fn cargo_with(
        &self,
        dir: &Path,
        args: &[&str],
        variables: &[(&str, &Path)],
    ) -> anyhow::Result<()> {
        let _dir = self.shell.push_dir(dir);
        let command = self.with_tool(cmd!(self.shell, "cargo {args...}"))?;
        command.envs(variables.iter().copied()).run()?;
        Ok(())
    }

    /// Runs a program in a crate, in the same environment as plain Cargo.
    pub(crate) fn program(&self, dir: &Path, program: &Path, args: &[&str]) -> anyhow::Result<()> {
        let _dir = self.shell.push_dir(dir);
        self.with_tool(cmd!(self.shell, "{program} {args...}"))?.run()?;
        Ok(())
    }

    /// Runs plain Cargo in a crate, and prints and returns its standard output.
    pub(crate) fn cargo_stdout(&self, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
        let _dir = self.shell.push_dir(dir);
        let command = self.with_tool(cmd!(self.shell, "cargo {args...}"))?;
        let output = Command::from(command).stderr(Stdio::inherit()).output()?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        eprint!("{stdout}");
        anyhow::ensure!(output.status.success(), "`cargo {}` failed", args.join(" "));
        Ok(stdout)
    }

    /// Runs plain Cargo in a crate and returns its standard error.
    pub(crate) fn cargo_stderr(&self, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
        let _dir = self.shell.push_dir(dir);
        let command = self.with_tool(cmd!(self.shell, "cargo {args...}"))?;
        Ok(command.read_stderr()?)
    }

    /// Runs a shell script in a directory, and stops at the first failure.
    pub(crate) fn script(&self, dir: &Path, script: &str) -> anyhow::Result<()> {
        let _dir = self.shell.push_dir(dir);
        self.with_tool(cmd!(self.shell, "sh -e -c {script}"))?.run()?;
        Ok(())
    }

    /// Sets a command's environment variables so that `PATH` contains the tool, the tool uses this
    /// store, and Cargo builds all crates into one directory.
    fn with_tool<'b>(&self, command: Cmd<'b>) -> anyhow::Result<Cmd<'b>> {
        let own = self.binary.parent().context("the binary has no parent directory")?.to_owned();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&others)))?;
        Ok(command
            .env("PATH", path)
            .env("PYWASM_STORE", &self.store)
            .env("CARGO_TARGET_DIR", embed_target()))
    }

    /// Runs `cargo pywasm install ARGS` and returns the installation's directory.
    pub(crate) fn install(&self, args: &[&str]) -> anyhow::Result<PathBuf> {
        let args = [&["install"], args].concat();
        let root = PathBuf::from(self.call(&args).read()?);
        anyhow::ensure!(root.is_dir(), "`{}` does not exist", root.display());
        Ok(root)
    }

    /// Returns the path, in the store, of the CPython source tree from which an installation was
    /// built.
    pub(crate) fn source_tree(&self, installed: &Path) -> anyhow::Result<PathBuf> {
        let version = manifest(installed, "/python/version")?;
        let sources = self.store.join("cache/sources-v0");
        let prefix = format!("cpython-{version}-");
        for entry in std::fs::read_dir(&sources)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)) {
                return Ok(path);
            }
        }
        anyhow::bail!("`{}` contains no CPython {version} source", sources.display())
    }

    /// Returns the path of the Rust compiler for the wasm target, in rustup's directory or the
    /// store.
    pub(crate) fn rustc(&self) -> anyhow::Result<PathBuf> {
        Ok(PathBuf::from(self.call(&["toolchain", "rust"]).read()?))
    }

    /// Returns the name and version of the Rust compiler.
    pub(crate) fn rustc_version(&self) -> anyhow::Result<String> {
        let rustc = self.rustc()?;
        let version = cmd!(self.shell, "{rustc} --version").quiet().read()?;
        Ok(version.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }
}

/// Returns a string from an installation's manifest. `pointer` is a JSON pointer.
pub(crate) fn manifest(root: &Path, pointer: &str) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(root.join("manifest.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)?;
    let value = manifest.pointer(pointer).and_then(serde_json::Value::as_str);
    Ok(value.with_context(|| format!("the manifest has no string at {pointer}"))?.to_owned())
}
