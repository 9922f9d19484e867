//! The directives that link Python into a crate.

use std::path::{Path, PathBuf};

use crate::frozen::Frozen;
use crate::{Directive, Error, Installation, Libc, EXIT_OBJECT, FROZEN_LIBRARY};

/// The names of the linker maps in `OUT_DIR`. The second map is for reactors. `cargo pywasm size`
/// uses a map to find the object file that each byte of the wasm module comes from.
pub const LINK_MAPS: [&str; 2] = ["pywasm-link.map", "pywasm-link-cdylib.map"];

/// The archive of an installation's stubs, if the recipe declares any. It is linked last, because
/// the linker takes the first definition that it finds. An earlier stub would silently replace a
/// real function.
const STUBS: &str = "libpywasm_stubs.a";

/// The library that makes the linker report each call of a C API macro, together with the function
/// to call instead. Nothing in the library is linked if there are no such calls.
const MACROS: &str = "pywasm_macros";

/// The library that defines `pywasm_start`, which starts Python on hosts that provide no files,
/// environment variables or entropy.
const START: &str = "pywasm_start";

/// The library that a wasm module needs for a snapshot, and the library's root function. The root
/// function is linked with `--undefined`, and pulls in the other functions that it needs.
const SNAPSHOT: (&str, &str) = ("pywasm_snapshot", "pywasm_snapshot_end");

/// The result of [`Build::decide`](crate::Build::decide): the chosen installation and libc, and the
/// directives that link them.
#[derive(Debug)]
pub struct Linked {
    /// The chosen installation.
    pub python: Installation,
    /// The chosen libc.
    pub libc: Libc,
    /// The directives, in the order in which they are printed.
    pub directives: Vec<Directive>,
}

/// Everything that determines how Python is linked.
#[derive(Debug)]
pub(crate) struct Link<'a> {
    pub(crate) python: &'a Installation,
    pub(crate) libc: Libc,
    /// The directory that contains Rust's libc and start files.
    pub(crate) rust_libc: &'a Path,
    pub(crate) is_reactor: bool,
    pub(crate) frozen: Option<Frozen>,
    pub(crate) snapshot: bool,
    pub(crate) stack_size: Option<u32>,
    /// The object that tells Python the size of the host's stack.
    pub(crate) host_stack: Option<PathBuf>,
    pub(crate) finalize_at_exit: bool,
    /// The directory for linker maps.
    pub(crate) maps: Option<PathBuf>,
    /// True if rustc calls a compiler as the linker, which passes on only some arguments.
    pub(crate) is_linked_by_compiler: bool,
}

impl Link<'_> {
    /// Returns the directives, in the order in which the linker must see them.
    ///
    /// # Errors
    /// When the installation lacks the snapshot library.
    pub(crate) fn directives(mut self) -> Result<Vec<Directive>, Error> {
        let mut directives = Vec::new();
        if let Some(frozen) = &mut self.frozen {
            // This library comes first, because its tables of Python modules must replace
            // libpython's, and the linker takes the first definition that it finds.
            directives.push(Directive::LinkSearch(frozen.dir.clone()));
            directives.push(Directive::LinkWholeLib(FROZEN_LIBRARY.to_owned()));
            directives.append(&mut frozen.directives);
        }
        directives.append(&mut self.libraries());
        directives.append(&mut self.arguments());
        if self.snapshot {
            let (library, root) = SNAPSHOT;
            let path = self.library_path(library);
            std::fs::metadata(&path).map_err(|error| Error::Read(path, error))?;
            directives.push(Directive::LinkLib(library.to_owned()));
            directives.push(Directive::LinkArg(format!("--undefined={root}")));
        }
        let stubs = self.python.lib_dir().join(STUBS);
        if stubs.exists() {
            directives.push(Directive::LinkArg(stubs.display().to_string()));
        }
        if self.is_linked_by_compiler {
            directives = directives.into_iter().flat_map(through_compiler).collect();
        }
        Ok(directives)
    }

    fn libraries(&self) -> Vec<Directive> {
        let mut directives = Vec::new();
        if self.libc == Libc::Python {
            // Rust's standard library links `-lc`, for which the linker takes the first match in
            // the search directories.
            directives.push(Directive::LinkSearch(self.python.libc_dir()));
        }
        directives.push(Directive::LinkSearch(self.python.lib_dir()));
        directives.push(Directive::LinkLib(format!("python{}", self.python.series())));
        let optional = [MACROS, START].into_iter().filter(|name| self.library_path(name).exists());
        directives.extend(optional.map(|name| Directive::LinkLib(name.to_owned())));
        directives
    }

    fn arguments(&self) -> Vec<Directive> {
        let arg = |path: PathBuf| path.display().to_string();
        let stack = self.stack_size.unwrap_or_else(|| default_stack_size(self.python.series()));
        let mut directives = vec![Directive::LinkArg(format!("-zstack-size={stack}"))];
        if self.is_reactor {
            // rustc links no start file into a cdylib. Without a start file, wasm-ld makes every
            // export run all constructors and destructors, so Python would fail on the second call.
            let start = match self.libc {
                Libc::Python => self.python.libc_dir(),
                Libc::Same | Libc::Rust => self.rust_libc.to_owned(),
            };
            directives.push(Directive::LinkArgCdylib(arg(start.join("crt1-reactor.o"))));
            directives.push(Directive::LinkArgCdylib("--export=_initialize".to_owned()));
        }
        if let Some(dir) = &self.maps {
            let [all, cdylib] = LINK_MAPS.map(|name| format!("-Map={}", arg(dir.join(name))));
            directives.push(Directive::LinkArg(all));
            if self.is_reactor {
                // Cargo may link a command and the reactor at the same time, and the two must not
                // write the same map. The linker uses the last `-Map` option, which for the reactor
                // is this one.
                directives.push(Directive::LinkArgCdylib(cdylib));
            }
        }
        directives.extend(self.host_stack.clone().map(|path| Directive::LinkArg(arg(path))));
        if self.finalize_at_exit {
            directives.push(Directive::LinkArg(arg(self.python.lib_dir().join(EXIT_OBJECT))));
        }
        directives
    }

    fn library_path(&self, name: &str) -> PathBuf {
        self.python.lib_dir().join(format!("lib{name}.a"))
    }
}

/// Makes a compiler pass an option on to the linker. Compilers accept object files as they are.
fn through_compiler(directive: Directive) -> Vec<Directive> {
    let pass = "-Xlinker".to_owned();
    match directive {
        Directive::LinkArg(arg) if arg.starts_with('-') => {
            vec![Directive::LinkArg(pass), Directive::LinkArg(arg)]
        }
        Directive::LinkArgCdylib(arg) if arg.starts_with('-') => {
            vec![Directive::LinkArgCdylib(pass), Directive::LinkArgCdylib(arg)]
        }
        directive => vec![directive],
    }
}

/// Returns the stack size, in bytes, that CPython's own build uses.
///
/// Source: `LDFLAGS_NODIST` for WASI in CPython's configure.ac.
fn default_stack_size(series: &str) -> u32 {
    let minor = series.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0_u32);
    if minor >= 14 {
        16 << 20
    } else {
        8 << 20
    }
}
