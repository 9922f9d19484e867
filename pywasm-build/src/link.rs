//! From an installation to what the linker is told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::find::{Found, Wanted};
use crate::freeze::{self, Freeze};
use crate::libc::{self, Libc, RustLibc};
use crate::{Directive, Error, Installation, FROZEN_LIBRARY, TARGET};

/// Reads a variable of the environment.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The stubs of an installation, if its recipe has any. Weak, so they come last: before an
/// archive that has the real symbol, the stub would silently win.
const STUBS: &str = "libpywasm_stubs.a";

/// Answers calls of macros of the C API with the name of the function behind them. Nothing of it is
/// linked where there are none.
const MACROS: &str = "pywasm_macros";

/// What the linker calls the maps of its work in `OUT_DIR`: that of a reactor is the last. `cargo pywasm size`
/// reads in them which object each byte is of.
pub const LINK_MAPS: [&str; 2] = ["pywasm-link.map", "pywasm-link-cdylib.map"];

/// Has `pywasm_start`, which starts Python for hosts without an outside.
const START: &str = "pywasm_start";

/// Has what a snapshot needs in a module, and the function that is a root of it: the others are
/// exported with it.
const SNAPSHOT: (&str, &str) = ("pywasm_snapshot", "pywasm_snapshot_end");

/// How Python is linked into a crate.
#[derive(Clone, Debug, Default)]
pub struct Build {
    wanted: Wanted,
    stack_size: Option<u32>,
    keep_running: bool,
    freeze: Freeze,
    snapshot: bool,
}

/// A decision: what is linked, and what Cargo is told.
#[derive(Debug)]
pub struct Linked {
    /// The installation.
    pub python: Installation,
    /// The libc.
    pub libc: Libc,
    /// In the order in which Cargo is told.
    pub directives: Vec<Directive>,
}

impl Build {
    /// Whatever is installed, linked as it is usual.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This CPython: a series, `3.13`, or one release, `3.13.15`.
    #[must_use]
    pub fn python(mut self, version: impl Into<String>) -> Self {
        self.wanted.python = Some(version.into());
        self
    }

    /// An installation of this recipe.
    #[must_use]
    pub fn recipe(mut self, name: impl Into<String>) -> Self {
        self.wanted.recipe = Some(name.into());
        self
    }

    /// The installation in this directory.
    #[must_use]
    pub fn installation(mut self, root: impl Into<PathBuf>) -> Self {
        self.wanted.installation = Some(root.into());
        self
    }

    /// The size of the C stack in bytes, a multiple of 16. By default it is what CPython itself
    /// is linked with: 8 MiB, from 3.14 on 16 MiB. rustc's own default of 1 MiB is too small for
    /// Python's recursion limit.
    #[must_use]
    pub fn stack_size(mut self, bytes: u32) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Does not finalize Python when a command ends. By default a handler does that (`atexit`,
    /// nothing for a program that has finalized it already), because what Python's `sys.stdout`
    /// has buffered is lost otherwise. Reactors don't end, so nothing runs there.
    #[must_use]
    pub fn no_finalize_at_exit(mut self) -> Self {
        self.keep_running = true;
        self
    }

    /// Has these modules of the standard library travel inside the module, each with what it
    /// imports: `json`; `email.*`, a package with all that is below; `*`, everything; `!name`, what
    /// stays out. In addition to `freeze` of `[package.metadata.pywasm]`.
    #[must_use]
    pub fn freeze<N: Into<String>>(mut self, modules: impl IntoIterator<Item = N>) -> Self {
        self.freeze.modules.extend(modules.into_iter().map(Into::into));
        self
    }

    /// Has a package of your own travel inside: a directory, `python/app`, or a file, relative to
    /// the crate. In addition to `packages` of `[package.metadata.pywasm]`.
    #[must_use]
    pub fn package(mut self, path: impl Into<PathBuf>) -> Self {
        self.freeze.packages.push(path.into());
        self
    }

    /// Links what `cargo pywasm snapshot` needs in the module, as `snapshot` of
    /// `[package.metadata.pywasm]` does. It is some kilobytes of code that a module of which no snapshot
    /// is made never calls.
    #[must_use]
    pub fn snapshot(mut self) -> Self {
        self.snapshot = true;
        self
    }

    /// Links Python into the crate whose build script calls it. `None` when it is built for
    /// another target, or by docs.rs.
    ///
    /// Ends the build script with a message when it can't; [`Build::try_link`] does not.
    pub fn link(&self) -> Option<Installation> {
        self.try_link().unwrap_or_else(|error| fail(&error))
    }

    /// Links Python into the crate whose build script calls it. `None` when it is built for
    /// another target, or by docs.rs.
    ///
    /// # Errors
    /// When nothing that is asked for is installed, or it does not fit this Rust.
    pub fn try_link(&self) -> Result<Option<Installation>, Error> {
        let linked = self.decide(&|name| std::env::var_os(name))?;
        if let Some(linked) = &linked {
            say(&linked.directives);
        }
        Ok(linked.map(|linked| linked.python))
    }

    /// What [`Build::try_link`] would tell Cargo, in an environment that `variable` reads. It
    /// runs `RUSTC` to ask for its sysroot, and `cargo-pywasm` when Python code is to be frozen.
    ///
    /// # Errors
    /// As for [`Build::try_link`].
    pub fn decide(&self, variable: Variables<'_>) -> Result<Option<Linked>, Error> {
        let target = variable("TARGET");
        if target.map_or(true, |target| target != TARGET) || variable("DOCS_RS").is_some() {
            return Ok(None);
        }
        let found = self.wanted.find(variable)?;
        let rust = RustLibc::read(&sysroot(variable)?)?;
        let libc = libc::choose(&found.python, &rust)?;
        let frozen = freeze::object(&self.freeze, &found, variable)?;
        let asks = || !freeze::settings(&found, &["snapshot"], variable).is_empty();
        let snapshot = self.snapshot || asks();
        let Found { python, reruns, .. } = found;
        let manifest = variable("CARGO_MANIFEST_DIR").map(|dir| Path::new(&dir).join("Cargo.toml"));
        let start = is_reactor(manifest.as_deref()).then(|| match libc {
            Libc::Python => python.libc_dir(),
            Libc::Same | Libc::Rust => rust.dir().to_owned(),
        });
        let mut directives = Vec::new();
        if let Some(frozen) = frozen {
            // Before libpython, whose tables of modules it may have in its own way.
            directives.push(Directive::LinkSearch(frozen.dir));
            directives.push(Directive::LinkWholeLib(FROZEN_LIBRARY.to_owned()));
            directives.extend(frozen.directives);
        }
        let maps = variable("OUT_DIR").map(PathBuf::from);
        directives.extend(self.directives(&python, libc, start, maps));
        if snapshot {
            let (library, root) = SNAPSHOT;
            let path = python.lib_dir().join(format!("lib{library}.a"));
            std::fs::metadata(&path).map_err(|error| Error::Read(path, error))?;
            directives.push(Directive::LinkLib(library.to_owned()));
            directives.push(Directive::LinkArg(format!("--undefined={root}")));
        }
        let stubs = python.lib_dir().join(STUBS);
        if stubs.exists() {
            directives.push(Directive::LinkArg(stubs.display().to_string()));
        }
        directives.extend(reruns);
        directives.extend(manifest.map(Directive::RerunIfChanged));
        Ok(Some(Linked { python, libc, directives }))
    }

    /// `start` is the directory of a reactor's start file, `maps` that of maps of the link.
    fn directives(
        &self,
        python: &Installation,
        libc: Libc,
        start: Option<PathBuf>,
        maps: Option<PathBuf>,
    ) -> Vec<Directive> {
        let is_reactor = start.is_some();
        let arg = |path: PathBuf| path.display().to_string();
        let mut directives = Vec::new();
        if libc == Libc::Python {
            // `-lc` of Rust's standard library finds the first one.
            directives.push(Directive::LinkSearch(python.libc_dir()));
        }
        directives.push(Directive::LinkSearch(python.lib_dir()));
        let library = |name: &str| Directive::LinkLib(name.to_owned());
        let is_there = |name: &str| python.lib_dir().join(format!("lib{name}.a")).exists();
        directives.push(library(&format!("python{}", python.series())));
        directives.extend([MACROS, START].into_iter().filter(|it| is_there(it)).map(library));
        let stack = self.stack_size.unwrap_or_else(|| default_stack(python.series()));
        directives.push(Directive::LinkArg(format!("-zstack-size={stack}")));
        // rustc gives a cdylib no start file; without one wasm-ld makes every export run all
        // constructors and destructors, and Python does not survive the second call.
        if let Some(start) = start {
            directives.push(Directive::LinkArgCdylib(arg(start.join("crt1-reactor.o"))));
            directives.push(Directive::LinkArgCdylib("--export=_initialize".to_owned()));
        }
        if let Some(maps) = maps {
            let [all, cdylib] = LINK_MAPS.map(|name| format!("-Map={}", arg(maps.join(name))));
            directives.push(Directive::LinkArg(all));
            // Of two options the linker takes the last one: two links at once must not write one file.
            if is_reactor {
                directives.push(Directive::LinkArgCdylib(cdylib));
            }
        }
        if !self.keep_running {
            directives.push(Directive::LinkArg(arg(python.lib_dir().join(crate::EXIT_OBJECT))));
        }
        directives
    }
}

/// Links Python into the crate whose build script calls it, as `Build::new().link()` does.
pub fn link() -> Option<Installation> {
    Build::new().link()
}

/// Source of the figures: `LDFLAGS_NODIST` in CPython's configure, for WASI.
fn default_stack(series: &str) -> u32 {
    let minor = series.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0_u32);
    if minor >= 14 {
        16 << 20
    } else {
        8 << 20
    }
}

/// Whether the crate becomes a reactor. Cargo frowns at linker arguments for a kind of target that
/// a crate does not have, and tells build scripts nothing of targets; there is no way to ask for
/// one without this word. Where it stands for something else, Cargo warns, and that is all.
fn is_reactor(manifest: Option<&Path>) -> bool {
    let text = manifest.map(std::fs::read_to_string);
    text.is_some_and(|text| text.is_ok_and(|text| text.contains("cdylib")))
}

fn sysroot(variable: Variables<'_>) -> Result<PathBuf, Error> {
    let rustc = variable("RUSTC").unwrap_or_else(|| "rustc".into());
    let name = || format!("{} --print sysroot", Path::new(&rustc).display());
    let output = Command::new(&rustc)
        .args(["--print", "sysroot"])
        .output()
        .map_err(|error| Error::Program(name(), error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        return Err(Error::Program(name(), said));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

#[allow(clippy::print_stdout, reason = "this is how a build script speaks to Cargo")]
fn say(directives: &[Directive]) {
    for directive in directives {
        println!("{directive}");
    }
}

#[allow(clippy::print_stderr, reason = "Cargo shows it when a build script fails")]
fn fail(error: &Error) -> ! {
    eprintln!("error: {error}");
    std::process::exit(1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::wasm::tests::{archive, object};

    /// A machine with a store, a Rust that has the target, and a crate.
    struct Machine {
        dir: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Self {
            let machine = Self { dir: tempfile::tempdir().unwrap() };
            let libc = archive(&["open"], &[]);
            let target = "sysroot/lib/rustlib/wasm32-wasip1/lib";
            machine.write(&format!("{target}/self-contained/libc.a"), &libc);
            machine.write(&format!("{target}/self-contained/crt1-command.o"), &object(&[]));
            machine.write("rustc", b"#!/bin/sh\necho \"${0%/*}/sysroot\"\n");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(machine.path("rustc"), mode).unwrap();
            let root = machine.install("full", &libc);
            for name in ["macros", "snapshot"] {
                std::fs::write(root.join(format!("lib/libpywasm_{name}.a")), b"").unwrap();
            }
            machine.write("crate/Cargo.toml", b"crate-type = [\"cdylib\"]");
            machine
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
            std::fs::write(self.path(name), bytes).unwrap();
        }

        fn install(&self, recipe: &str, libc: &[u8]) -> PathBuf {
            let root = format!("store/data/installs-v0/cpython-{recipe}");
            let manifest = crate::installation::tests::manifest(&["open"]);
            let manifest = manifest.replace("\"full\"", &format!("\"{recipe}\""));
            self.write(&format!("{root}/manifest.json"), manifest.as_bytes());
            self.write(&format!("{root}/lib/wasi-libc/libc.a"), libc);
            self.path(&root)
        }

        fn link_crate_to(&self, installation: &Path) {
            let text =
                format!(r#"{{"version": 1, "installation": {installation:?}, "tool": "/tool"}}"#);
            self.write("crate/.pywasm/project.json", text.as_bytes());
        }

        fn decide(&self, build: &Build, more: &[(&str, &str)]) -> Result<Option<Linked>, Error> {
            build.decide(&|name| {
                if let Some((_, value)) = more.iter().find(|(known, _)| *known == name) {
                    return Some(value.into());
                }
                match name {
                    "TARGET" => Some(TARGET.into()),
                    "RUSTC" => Some(self.path("rustc").into()),
                    "PYWASM_STORE" => Some(self.path("store").into()),
                    "CARGO_MANIFEST_DIR" => Some(self.path("crate").into()),
                    _ => None,
                }
            })
        }

        /// The lines for Cargo, without the machine's directory.
        fn lines(&self, build: &Build) -> Vec<String> {
            let linked = self.decide(build, &[]).unwrap().unwrap();
            let top = format!("{}/", self.dir.path().display());
            linked.directives.iter().map(|line| line.to_string().replace(&top, "")).collect()
        }
    }

    #[test]
    fn commands_and_reactors_are_told_what_they_need() {
        let machine = Machine::new();
        machine.link_crate_to(&machine.path("store/data/installs-v0/cpython-full"));
        let root = "store/data/installs-v0/cpython-full";
        let self_contained = "sysroot/lib/rustlib/wasm32-wasip1/lib/self-contained";
        assert_eq!(
            machine.lines(&Build::new()),
            [
                format!("cargo::rustc-link-search=native={root}/lib"),
                "cargo::rustc-link-lib=static:-bundle=python3.13".to_owned(),
                "cargo::rustc-link-lib=static:-bundle=pywasm_macros".to_owned(),
                "cargo::rustc-link-arg=-zstack-size=8388608".to_owned(),
                format!("cargo::rustc-link-arg-cdylib={self_contained}/crt1-reactor.o"),
                "cargo::rustc-link-arg-cdylib=--export=_initialize".to_owned(),
                format!("cargo::rustc-link-arg={root}/lib/pywasm-exit.o"),
                "cargo::rerun-if-env-changed=PYWASM_INSTALLATION".to_owned(),
                "cargo::rerun-if-changed=crate/.pywasm/project.json".to_owned(),
                format!("cargo::rerun-if-changed={root}/manifest.json"),
                "cargo::rerun-if-changed=crate/Cargo.toml".to_owned(),
            ]
        );
    }

    #[test]
    fn a_crate_without_a_reactor_is_told_nothing_of_one() {
        let machine = Machine::new();
        machine.write("crate/Cargo.toml", b"crate-type = [\"rlib\"]");
        let lines = machine.lines(&Build::new());
        assert!(!lines.iter().any(|line| line.contains("cdylib")), "{lines:?}");
    }

    #[test]
    fn stubs_are_linked_last_and_what_is_overridden_is_left_to_the_crate() {
        let machine = Machine::new();
        machine.write("store/data/installs-v0/cpython-full/lib/libpywasm_stubs.a", b"");
        let lines = machine.lines(&Build::new().stack_size(1 << 20).no_finalize_at_exit());
        assert!(lines.contains(&"cargo::rustc-link-arg=-zstack-size=1048576".to_owned()));
        let last = lines.iter().rfind(|line| line.contains("link-arg")).unwrap();
        assert!(last.ends_with("/libpywasm_stubs.a"), "{last}");
        assert!(!lines.iter().any(|line| line.contains("pywasm-exit.o")));
    }

    #[test]
    fn the_recipes_frozen_code_is_linked_unless_the_crate_adds_to_it() {
        let machine = Machine::new();
        let root = "store/data/installs-v0/cpython-full";
        machine.write(&format!("{root}/lib/libpywasm_frozen.a"), b"");
        let recipes = format!("cargo::rustc-link-search=native={root}/lib");
        let whole = "cargo::rustc-link-lib=static:+whole-archive,-bundle=pywasm_frozen".to_owned();
        // Before libpython, whose tables it replaces.
        assert_eq!(machine.lines(&Build::new())[..2], [recipes, whole.clone()]);

        let tool = machine.path("tool");
        let script = "#!/bin/sh\necho \"$@\" > \"$0.args\"; env > \"$0.env\"; \
            echo '{\"level\": \"warning\", \"text\": \"careful\"}'\n\
            echo '{\"inputs\": [\"/crate/python/app\"]}'\n";
        machine.write("tool", script.as_bytes());
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let text = format!(
            r#"{{"version": 1, "installation": {:?}, "tool": {tool:?}}}"#,
            machine.path(root)
        );
        machine.write("crate/.pywasm/project.json", text.as_bytes());
        let build = Build::new().freeze(["json"]).package("python/app");
        let more = [("OUT_DIR", "/out"), ("SECRET", "s"), ("HOME", "/home/me")];
        let linked = machine.decide(&build, &more).unwrap().unwrap();
        let lines: Vec<String> = linked.directives.iter().map(ToString::to_string).collect();
        // What the crate adds to is its own library, which is found first.
        assert_eq!(lines[..2], ["cargo::rustc-link-search=native=/out".to_owned(), whole]);
        // A reactor's map is another file than that of a command, and told last.
        let maps: Vec<&String> = lines.iter().filter(|line| line.contains("-Map=")).collect();
        assert_eq!(
            maps,
            [
                "cargo::rustc-link-arg=-Map=/out/pywasm-link.map",
                "cargo::rustc-link-arg-cdylib=-Map=/out/pywasm-link-cdylib.map"
            ]
        );
        for line in ["cargo::rerun-if-changed=/crate/python/app", "cargo::warning=careful"] {
            assert!(lines.contains(&line.to_owned()), "{lines:?}");
        }
        let read = |name: &str| std::fs::read_to_string(machine.path(name)).unwrap();
        let args = read("tool.args");
        assert!(args.ends_with("--module json --package python/app\n"), "{args}");
        assert!(read("tool.env").contains("HOME=/home/me") && !read("tool.env").contains("SECRET"));
    }

    #[test]
    fn a_table_that_speaks_of_frozen_code_is_read_by_the_tool_whose_refusal_is_told() {
        let machine = Machine::new();
        machine.write(
            "home/bin/cargo-pywasm",
            b"#!/bin/sh\necho '{\"error\": [\"no jsn\"]}'; exit 2\n",
        );
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(machine.path("home/bin/cargo-pywasm"), mode).unwrap();
        let home = machine.path("home").display().to_string();
        for line in ["freeze = [\"jsn\"]", "packages = [\"python/app\"]", "closed = true"] {
            let table = format!("[package.metadata.pywasm]\n{line}\n");
            machine.write("crate/Cargo.toml", table.as_bytes());
            let error = machine.decide(&Build::new(), &[("CARGO_HOME", &home)]).unwrap_err();
            assert!(error.to_string().contains("no jsn"), "{line}: {error}");
        }
    }

    #[test]
    fn another_libc_brings_its_own_start_file_and_stands_first() {
        let machine = Machine::new();
        machine.install("full", &archive(&["open", "sysconf"], &[]));
        let lines = machine.lines(&Build::new());
        let root = "store/data/installs-v0/cpython-full/lib";
        assert_eq!(lines[0], format!("cargo::rustc-link-search=native={root}/wasi-libc"));
        let reactor = format!("cargo::rustc-link-arg-cdylib={root}/wasi-libc/crt1-reactor.o");
        assert!(lines.contains(&reactor));
    }

    #[test]
    fn what_a_snapshot_needs_is_linked_where_one_is_asked_for() {
        let machine = Machine::new();
        let needed = |lines: &[String]| lines.iter().any(|line| line.contains("pywasm_snapshot"));
        assert!(!needed(&machine.lines(&Build::new())));
        let lines = machine.lines(&Build::new().snapshot());
        assert!(lines.contains(&"cargo::rustc-link-lib=static:-bundle=pywasm_snapshot".to_owned()));
        let root = "cargo::rustc-link-arg=--undefined=pywasm_snapshot_end";
        assert!(lines.contains(&root.to_owned()), "{lines:?}");
        machine.write(
            "crate/Cargo.toml",
            b"crate-type = [\"cdylib\"]\n[package.metadata.pywasm]\nsnapshot = {}\n",
        );
        assert_eq!(machine.lines(&Build::new()), lines);
    }

    #[test]
    fn other_targets_and_docs_rs_get_nothing() {
        let machine = Machine::new();
        for (name, value) in [("TARGET", "x86_64-unknown-linux-gnu"), ("DOCS_RS", "1")] {
            assert!(machine.decide(&Build::new(), &[(name, value)]).unwrap().is_none());
        }
    }

    #[test]
    fn what_is_not_installed_is_named_with_the_command_that_makes_it() {
        let machine = Machine::new();
        let build = Build::new().python("3.14").recipe("mine");
        let message = machine.decide(&build, &[]).unwrap_err().to_string();
        let command = "`cargo pywasm install --python 3.14 --recipe mine`";
        assert!(message.contains("CPython 3.14 (mine)") && message.contains(command), "{message}");
    }

    #[test]
    fn a_named_installation_that_is_not_what_is_asked_for_is_refused() {
        let machine = Machine::new();
        let other = machine.install("other", &archive(&["open"], &[]));
        let build = Build::new().recipe("full");
        assert_eq!(machine.decide(&build, &[]).unwrap().unwrap().python.recipe(), "full");
        machine.link_crate_to(&other);
        let message = machine.decide(&build, &[]).unwrap_err().to_string();
        assert!(message.contains("project.json is CPython 3.13.15 (other)"), "{message}");
        let gone = [("PYWASM_INSTALLATION", "/gone")];
        let message = machine.decide(&build, &gone).unwrap_err().to_string();
        assert!(message.contains("named by PYWASM_INSTALLATION"), "{message}");
    }
}
