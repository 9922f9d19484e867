//! The entry points for build scripts: [`Build`] and [`link`].

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::frozen::Freeze;
use crate::host_stack;
use crate::libc::{self, RustLibc};
use crate::link::{Link, Linked};
use crate::project::Project;
use crate::request::{Request, Resolved};
use crate::table::Table;
use crate::tool::Tool;
use crate::{Directive, Error, Installation, TARGET};

/// A function that returns the value of an environment variable, for example
/// `&|name| std::env::var_os(name)`.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The options for linking Python into the crate that the build script belongs to.
///
/// ```no_run
/// use pywasm_build::Build;
///
/// let python = Build::new().python("3.13").freeze(["json"]).package("python/app").link();
/// if let Some(python) = python {
///     println!("cargo::warning=linked CPython {}", python.version());
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Build {
    request: Request,
    stack_size: Option<u32>,
    host_stack: Option<u32>,
    no_finalize_at_exit: bool,
    freeze: Freeze,
    snapshot: bool,
}

impl Build {
    /// Creates the default options. They accept any installed Python, and link it as specified by
    /// `[package.metadata.pywasm]` in Cargo.toml.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests a CPython series, such as `3.13`, or a release, such as `3.13.15`.
    #[must_use]
    pub fn python(mut self, version: impl Into<String>) -> Self {
        self.request.python = Some(version.into());
        self
    }

    /// Requests an installation that was built with this recipe.
    #[must_use]
    pub fn recipe(mut self, name: impl Into<String>) -> Self {
        self.request.recipe = Some(name.into());
        self
    }

    /// Requests the installation in this directory.
    #[must_use]
    pub fn installation(mut self, root: impl Into<PathBuf>) -> Self {
        self.request.installation = Some(root.into());
        self
    }

    /// Sets the size of the C stack in linear memory in bytes, a multiple of 16. The default is
    /// CPython's own: 8 MiB, or 16 MiB from CPython 3.14 on. rustc's default of 1 MiB is too small
    /// for Python's recursion limit. See also [`Build::host_stack`].
    #[must_use]
    pub fn stack_size(mut self, bytes: u32) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Sets the size of the stack that the host has for calls of wasm functions, in bytes, at least
    /// 256 KiB. The default is the recipe's, which is 512 KiB unless it says otherwise, as in
    /// wasmtime (`Config::max_wasm_stack`). Python's recursion limits depend on it, so that Python
    /// raises `RecursionError` before the host traps. The key `host-stack` in
    /// `[package.metadata.pywasm]` has the same effect.
    #[must_use]
    pub fn host_stack(mut self, bytes: u32) -> Self {
        self.host_stack = Some(bytes);
        self
    }

    /// Disables the finalization of Python when a WASI command exits. By default, an `atexit`
    /// handler finalizes Python, because buffered `sys.stdout` output would otherwise be lost. The
    /// handler does nothing if the program has already finalized Python, and never runs in
    /// reactors, because they do not exit.
    #[must_use]
    pub fn no_finalize_at_exit(mut self) -> Self {
        self.no_finalize_at_exit = true;
        self
    }

    /// Embeds standard library modules, together with everything that they import. `json` selects
    /// one module, `email.*` a package with all its submodules, and `*` the whole library; `!name`
    /// excludes a module. The modules listed under `freeze` in `[package.metadata.pywasm]` are also
    /// embedded.
    #[must_use]
    pub fn freeze<N: Into<String>>(mut self, modules: impl IntoIterator<Item = N>) -> Self {
        self.freeze.modules.extend(modules.into_iter().map(Into::into));
        self
    }

    /// Embeds a Python package, such as `python/app`, or a single file, such as `python/app.py`.
    /// The path is relative to the crate. The packages listed under `packages` in
    /// `[package.metadata.pywasm]` are also embedded.
    #[must_use]
    pub fn package(mut self, path: impl Into<PathBuf>) -> Self {
        self.freeze.packages.push(path.into());
        self
    }

    /// Links the code that `cargo pywasm snapshot` needs in a wasm module. The key `snapshot` in
    /// `[package.metadata.pywasm]` has the same effect. The code is a few kilobytes in size and
    /// runs only when a snapshot is created.
    #[must_use]
    pub fn snapshot(mut self) -> Self {
        self.snapshot = true;
        self
    }

    /// Links Python and returns the installation. Returns `None` for targets without WASI, and on
    /// docs.rs.
    ///
    /// On an error, prints the message and exits the build script. [`Build::try_link`] returns the
    /// error instead.
    pub fn link(&self) -> Option<Installation> {
        self.try_link().unwrap_or_else(|error| fail(&error))
    }

    /// Links Python and returns the installation. Returns `None` for targets without WASI, and on
    /// docs.rs.
    ///
    /// # Errors
    /// When the target is for another version of WASI, no installation matches the request, the
    /// installation is incompatible with the Rust toolchain, Python code cannot be frozen, or the
    /// host's stack is too small.
    pub fn try_link(&self) -> Result<Option<Installation>, Error> {
        let linked = self.decide(&|name| std::env::var_os(name))?;
        if let Some(linked) = &linked {
            print(&linked.directives);
        }
        Ok(linked.map(|linked| linked.python))
    }

    /// Returns the directives that [`Build::try_link`] would print, given the environment that
    /// `variables` reads. Runs `RUSTC` to get its sysroot, and runs `cargo-pywasm` if
    /// `[package.metadata.pywasm]` has changed or Python code has to be frozen.
    ///
    /// # Errors
    /// As for [`Build::try_link`].
    pub fn decide(&self, variables: Variables<'_>) -> Result<Option<Linked>, Error> {
        let target = variables("TARGET").unwrap_or_default();
        let target = target.to_string_lossy();
        if variables("DOCS_RS").is_some() {
            return Ok(None);
        }
        if target != TARGET {
            // Without Python, the link would fail with hundreds of undefined symbols.
            let is_wasi = target.starts_with("wasm") && target.contains("-wasi");
            return if is_wasi { Err(Error::Target(target.into_owned())) } else { Ok(None) };
        }
        let dir = |name: &str| variables(name).map(PathBuf::from);
        let crate_dir = dir("CARGO_MANIFEST_DIR").unwrap_or_default();
        let project = Project::find(&crate_dir)?;
        let project = project.as_ref();
        let Resolved { python, reruns } = self.request.resolve(project, variables)?;
        let rust = RustLibc::read(&libc::sysroot(variables)?)?;
        let libc = libc::choose(&python, &rust)?;

        let tool = Tool::find(&crate_dir, project, variables);
        let manifest = crate_dir.join("Cargo.toml");
        let recorded: Option<&Table> = project.and_then(|it| it.fresh_table(&manifest));
        let table = recorded.cloned().map_or_else(|| tool.table(), Ok)?;
        let out_dir = dir("OUT_DIR");
        let out = out_dir.clone().unwrap_or_default();
        let frozen = self.freeze.library(&table, &python, &tool, &out)?;
        let host_stack = self.host_stack.or(table.host_stack);
        let host_stack = host_stack.map(|bytes| host_stack::write(bytes, &out)).transpose()?;
        let link = Link {
            python: &python,
            libc,
            rust_libc: rust.dir(),
            is_reactor: table.cdylib,
            frozen,
            snapshot: self.snapshot || table.snapshot,
            stack_size: self.stack_size,
            host_stack,
            finalize_at_exit: !self.no_finalize_at_exit,
            maps: out_dir,
            is_linked_by_compiler: variables(LINKER).is_some_and(|linker| is_compiler(&linker)),
        };
        let mut directives = link.directives()?;
        directives.extend(reruns);
        directives.extend(reruns_for_linker(&crate_dir));
        let manifests = table.manifests();
        directives.extend(manifests.map(|path| Directive::RerunIfChanged(path.to_owned())));
        Ok(Some(Linked { python, libc, directives }))
    }
}

/// The variable in which Cargo passes the linker that is set in its configuration.
const LINKER: &str = "RUSTC_LINKER";

/// The variable that sets the linker, like the key `target.wasm32-wasip1.linker`.
const LINKER_SETTING: &str = "CARGO_TARGET_WASM32_WASIP1_LINKER";

/// Returns directives that rerun the build script if another linker is configured. Cargo does not
/// track [`LINKER`] itself, because it is not a variable of Cargo's own environment.
fn reruns_for_linker(crate_dir: &Path) -> Vec<Directive> {
    let files = crate_dir.ancestors().map(|dir| dir.join(".cargo/config.toml"));
    let files = files.filter(|file| file.is_file()).map(Directive::RerunIfChanged);
    std::iter::once(Directive::RerunIfEnvChanged(LINKER_SETTING)).chain(files).collect()
}

/// Returns true if the linker is a compiler, such as clang, which passes arguments on to the real
/// linker.
fn is_compiler(linker: &OsStr) -> bool {
    let name = Path::new(linker).file_stem().unwrap_or_default().to_string_lossy();
    !name.contains("lld") && !name.contains("wasm-ld")
}

/// Links Python into the crate that the build script belongs to, like `Build::new().link()`.
///
/// ```no_run
/// let python = pywasm_build::link();
/// ```
pub fn link() -> Option<Installation> {
    Build::new().link()
}

// Cargo reads directives from stdout.
#[allow(clippy::print_stdout)]
fn print(directives: &[Directive]) {
    for directive in directives {
        println!("{directive}");
    }
}

// Cargo shows stderr when a build script fails.
#[allow(clippy::print_stderr)]
fn fail(error: &Error) -> ! {
    eprintln!("error: {error}");
    std::process::exit(1)
}
