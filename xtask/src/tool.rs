//! The tool as a contributor's program calls it: its own binary, its own store.

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Cmd, Shell};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the workspace").to_owned()
}

/// The built tool with a store of its own.
#[derive(Debug)]
pub(crate) struct Tool<'a> {
    shell: &'a Shell,
    binary: PathBuf,
    store: PathBuf,
}

impl<'a> Tool<'a> {
    /// Builds the tool and gives it the store.
    pub(crate) fn build(shell: &'a Shell, store: &Path) -> anyhow::Result<Self> {
        xshell::cmd!(shell, "cargo build --package cargo-pywasm").run()?;
        let target =
            shell.var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), PathBuf::from);
        let binary = target.join("debug/cargo-pywasm");
        anyhow::ensure!(binary.exists(), "cargo built no `{}`", binary.display());
        Ok(Self { shell, binary, store: store.to_owned() })
    }

    /// The tool as its users have it: built for a release, or a binary that is.
    pub(crate) fn release(
        shell: &'a Shell,
        store: &Path,
        built: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let binary = match built {
            Some(binary) => std::path::absolute(binary)?,
            None => {
                xshell::cmd!(shell, "cargo build --release --package cargo-pywasm").run()?;
                root().join("target/release/cargo-pywasm")
            }
        };
        anyhow::ensure!(binary.is_file(), "there is no `{}`", binary.display());
        Ok(Self { shell, binary, store: store.to_owned() })
    }

    /// The store.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// A call of the tool.
    pub(crate) fn call<'b>(&'b self, args: &[&str]) -> Cmd<'b> {
        let (binary, store) = (&self.binary, &self.store);
        xshell::cmd!(self.shell, "{binary} pywasm {args...}").env("PYWASM_STORE", store)
    }

    /// A call of the tool by someone who stands in `dir`.
    pub(crate) fn call_in(&self, dir: &Path, args: &[&str]) -> anyhow::Result<()> {
        let _there = self.shell.push_dir(dir);
        self.with_tool(self.call(args))?.run()?;
        Ok(())
    }

    /// What a call of the tool by someone who stands in `dir` says.
    pub(crate) fn call_in_says(&self, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
        let _there = self.shell.push_dir(dir);
        Ok(self.with_tool(self.call(args))?.read()?)
    }

    /// What a call of the tool by someone who stands in `dir` says of its failure.
    pub(crate) fn call_in_fails(&self, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
        let _there = self.shell.push_dir(dir);
        let output = self.with_tool(self.call(args))?.ignore_status().output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(!output.status.success(), "`{}` did not fail: {said}", args.join(" "));
        Ok(said)
    }

    /// Plain Cargo in a crate, on a machine where the tool is installed.
    pub(crate) fn cargo(&self, dir: &Path, args: &[&str]) -> anyhow::Result<()> {
        self.cargo_with(dir, args, &[])
    }

    /// The same, with these variables.
    pub(crate) fn cargo_with(
        &self,
        dir: &Path,
        args: &[&str],
        variables: &[(&str, &Path)],
    ) -> anyhow::Result<()> {
        let _there = self.shell.push_dir(dir);
        let command = self.with_tool(xshell::cmd!(self.shell, "cargo {args...}"))?;
        command.envs(variables.iter().copied()).run()?;
        Ok(())
    }

    /// What plain Cargo says in a crate.
    pub(crate) fn cargo_says(&self, dir: &Path, args: &[&str]) -> anyhow::Result<String> {
        let _there = self.shell.push_dir(dir);
        let command = self.with_tool(xshell::cmd!(self.shell, "cargo {args...}"))?;
        Ok(command.read_stderr()?)
    }

    /// Commands of the guide, which are ours, in a shell that stops at the first that fails.
    pub(crate) fn script(&self, dir: &Path, script: &str) -> anyhow::Result<()> {
        let _there = self.shell.push_dir(dir);
        self.with_tool(xshell::cmd!(self.shell, "sh -e -c {script}"))?.run()?;
        Ok(())
    }

    /// The tool on `PATH`, its store, and one directory for what Cargo builds.
    fn with_tool<'b>(&self, command: Cmd<'b>) -> anyhow::Result<Cmd<'b>> {
        let own = self.binary.parent().context("the binary lies in a directory")?.to_owned();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&others)))?;
        Ok(command
            .env("PATH", path)
            .env("PYWASM_STORE", &self.store)
            .env("CARGO_TARGET_DIR", root().join("target/embed")))
    }

    /// Installs, and returns where.
    pub(crate) fn install(&self, args: &[&str]) -> anyhow::Result<PathBuf> {
        let mut words = vec!["install"];
        words.extend(args);
        let root = PathBuf::from(self.call(&words).read()?);
        anyhow::ensure!(root.is_dir(), "`{}` is not there", root.display());
        Ok(root)
    }

    /// The compiler that crates of the target are built with: rustup's, or one in the store.
    pub(crate) fn rustc(&self) -> anyhow::Result<PathBuf> {
        Ok(PathBuf::from(self.call(&["toolchain", "rust"]).read()?))
    }

    /// Its name and version.
    pub(crate) fn rustc_version(&self) -> anyhow::Result<String> {
        let rustc = self.rustc()?;
        let said = xshell::cmd!(self.shell, "{rustc} --version").quiet().read()?;
        Ok(said.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }

    /// The binary, for calls that need more than a command.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }
}

/// One text value of an installation's manifest.
pub(crate) fn manifest(root: &Path, pointer: &str) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(root.join("manifest.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)?;
    let value = manifest.pointer(pointer).and_then(serde_json::Value::as_str);
    Ok(value.with_context(|| format!("no text at {pointer} of the manifest"))?.to_owned())
}
