//! The plan for a build, and the function that runs the build.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{CpythonPin, Recipe, TRAINING_CLANG};

use super::configure::{Configure, force_pthread_stubs, seed_for};
use super::environment::{CompilerCache, compiler_cache, make_program};
use super::freeze::freeze;
use super::inventory::Inventory;
use super::libraries;
use super::make::{ARCHIVE_LIST, FREEZER, INTERPRETER, LIBPYTHON, make, write_rules};
use super::optimize::{LOOP, SPLIT};
use super::reuse;
use super::setup_local::setup_local;
use super::source::SourceTree;
use super::split::split;
use super::step::{Logs, Step};
use super::stubs;
use super::sysconfig;
use crate::libraries::Compiled;
use pywasm_runtime::Runtime;
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_store::Lock;
use pywasm_toolchain::Toolchain;

/// The program that generates the frozen modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BuildPython {
    /// CPython's C freezer, compiled to wasm and run in the embedded runtime.
    #[default]
    None,
    /// A native Python of the same series as the CPython to build.
    Given {
        /// Its absolute path.
        path: Utf8PathBuf,
        /// Its `sys.version`.
        version: String,
    },
}

/// Everything a build depends on.
#[derive(Debug)]
pub struct BuildPlan<'a> {
    /// The recipe, which selects the modules and flags.
    pub recipe: &'a Recipe,
    /// The CPython release.
    pub pin: &'a CpythonPin,
    /// The release's source tree.
    pub source: &'a SourceTree,
    /// The compiler and sysroot.
    pub toolchain: &'a Toolchain,
    /// The C libraries that extension modules need.
    pub(crate) libraries: &'a [Compiled],
    /// The program that generates the frozen modules.
    pub build_python: &'a BuildPython,
    /// True if configure uses the recorded results (the seed) for this libc.
    pub seeded: bool,
}

impl BuildPlan<'_> {
    /// Returns the training data if the recipe requests it, it exists for this series, and the
    /// compiler can read it.
    pub(super) fn training(&self) -> Option<&'static [u8]> {
        let can = self.toolchain.clang_major().is_some_and(|major| major >= TRAINING_CLANG);
        self.recipe.build.training(self.pin.series()).filter(|_| can)
    }

    /// Returns the reason why no training data can be used, with a remedy if there is one.
    fn reason_untrained(&self) -> String {
        let (series, clang) = (self.pin.series(), &self.toolchain.clang_version);
        match self.recipe.build.training(series) {
            None => format!("there is no training data for CPython {series}"),
            Some(_) => format!(
                "the training data needs clang {TRAINING_CLANG} or newer, but the compiler is \
                 `{clang}`; choose another toolchain with `--toolchain packages` or `--wasi-sdk`"
            ),
        }
    }
}

/// A finished build directory.
#[derive(Debug)]
pub struct Built {
    /// The directory.
    pub dir: Utf8PathBuf,
    /// The libpython archive, which does not include the archives that it needs.
    pub libpython: Utf8PathBuf,
    /// The archives that libpython needs: mpdec, expat, HACL*.
    pub companions: Vec<Utf8PathBuf>,
    /// The archive of the recipe's stubs, if libpython needs any.
    pub stubs: Option<Utf8PathBuf>,
    /// The interpreter.
    pub interpreter: Utf8PathBuf,
    /// The path of `_sysconfigdata__wasi_wasm32-wasi.py`.
    pub sysconfigdata: Utf8PathBuf,
    /// The extension modules that were built or left out.
    pub inventory: Inventory,
}

/// Builds CPython in `dir`, which `lock` guards. If an earlier build in this directory was
/// interrupted, continues it.
///
/// # Errors
/// When a tool is missing or a step fails. The error for a failed step contains the path of its
/// log.
pub fn build(
    plan: &BuildPlan<'_>,
    dir: &Utf8Path,
    lock: &Lock,
    runtime: &Runtime,
    ctx: &Ctx,
) -> anyhow::Result<Built> {
    let make_program = make_program(ctx)?;
    let cache = compiler_cache(ctx);
    let host = dir.join("host");
    fs_err::create_dir_all(host.join("Modules"))?;
    let logs = Logs::fresh(&dir.join("logs"), lock)?;
    let work =
        Work { plan, host: &host, logs: &logs, make: &make_program, cache: cache.as_ref(), ctx };

    work.configure()?;
    let training = plan.training();
    if plan.recipe.build.trained && training.is_none() {
        ctx.reporter.warn(format!("compiled without training: {}", plan.reason_untrained()));
    }
    write_rules(&plan.recipe.build, training, plan.toolchain, &host)?;
    if *plan.build_python == BuildPython::None {
        work.make("make-objects", &[FREEZER])?;
        freeze(plan.source, &host, &logs, runtime, ctx)?;
    }
    let stubs = work.library()?;
    let sysconfigdata = sysconfig::generate(plan.pin.series(), plan.source, &host, &logs, runtime)?;

    reuse::keep(plan, &host, ctx)?;
    let inventory = Inventory::read(
        plan.pin.series(),
        plan.recipe,
        &fs_err::read_to_string(host.join("Modules/config.c"))?,
        &fs_err::read_to_string(host.join("Makefile"))?,
    );
    Ok(Built {
        libpython: host.join(LIBPYTHON),
        companions: work.companions()?,
        stubs,
        interpreter: host.join(INTERPRETER),
        sysconfigdata,
        inventory,
        dir: host,
    })
}

/// Checks that a path can be written into makefiles and passed to shells as it is.
///
/// # Errors
/// When the path contains white space or other characters with a meaning for make or the shell.
pub(crate) fn is_usable_by_make(path: &Utf8Path) -> anyhow::Result<()> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%=,~".contains(c);
    let Some(wrong) = path.as_str().chars().find(|c| !is_plain(*c)) else { return Ok(()) };
    Err(anyhow::anyhow!("CPython's build cannot use the path `{path}`: it contains {wrong:?}"))
        .hint(|| {
            "set PYWASM_STORE, or --wasi-sdk, to a path of letters, digits and hyphens".to_owned()
        })
}

struct Work<'a> {
    plan: &'a BuildPlan<'a>,
    host: &'a Utf8Path,
    logs: &'a Logs,
    make: &'a Utf8Path,
    cache: Option<&'a CompilerCache>,
    ctx: &'a Ctx,
}

impl Work<'_> {
    /// Builds libpython, checks it for undefined symbols, and builds the interpreter. Without the
    /// check, linking the interpreter would fail with a message that contains only the symbol's
    /// name.
    fn library(&self) -> anyhow::Result<Option<Utf8PathBuf>> {
        let plan = self.plan;
        if plan.recipe.build.split_live_ranges == Some(true) {
            self.split_loop()?;
        }
        self.make("make-library", &[LIBPYTHON, ARCHIVE_LIST])?;
        let (libpython, companions) = (self.host.join(LIBPYTHON), self.companions()?);
        let mut archives = vec![libpython.as_path()];
        archives.extend(companions.iter().map(Utf8PathBuf::as_path));
        let place = (self.host, self.logs);
        let stubs = stubs::write(plan.recipe, &archives, plan.toolchain, place, self.ctx)?;
        self.make("make-interpreter", &[INTERPRETER])?;
        Ok(stubs)
    }

    /// Compiles the bytecode loop and splits the live ranges in its object. If the object does not
    /// have the expected form, prints a warning and uses the object unchanged.
    fn split_loop(&self) -> anyhow::Result<()> {
        self.make("make-loop", &[LOOP])?;
        let compiled = fs_err::read(self.host.join(LOOP))?;
        let object = split(&compiled).unwrap_or_else(|error| {
            let reporter = &self.ctx.reporter;
            reporter.warn(format!("cannot split the live ranges of the bytecode loop: {error}"));
            compiled
        });
        let path = self.host.join(SPLIT);
        // Do not rewrite an unchanged object, because make would link it again.
        if !fs_err::read(&path).is_ok_and(|existing| existing == object) {
            fs_err::write(path, object)?;
        }
        Ok(())
    }

    fn companions(&self) -> anyhow::Result<Vec<Utf8PathBuf>> {
        let archives = fs_err::read_to_string(self.host.join(ARCHIVE_LIST))?;
        // If no module needs an archive, the file contains a single empty line.
        Ok(archives.split_whitespace().map(|name| self.host.join(name)).collect())
    }

    /// Runs configure, unless an earlier call already did so successfully. The key in the
    /// directory's name covers all inputs of configure, so an empty stamp file is enough to record
    /// the success.
    fn configure(&self) -> anyhow::Result<()> {
        let stamp = self.host.join("pywasm-configured");
        if stamp.exists() {
            return Ok(());
        }
        let plan = self.plan;
        let build_python = match plan.build_python {
            BuildPython::Given { path, .. } => path.clone(),
            BuildPython::None => self.write_version_script()?,
        };
        let configure = Configure {
            source: plan.source,
            toolchain: plan.toolchain,
            recipe: plan.recipe,
            libraries: plan.libraries,
            make: self.make,
            dir: self.host,
            build_python: &build_python,
            cache: self.cache,
        };
        let seed = plan.seeded.then(|| seed_for(plan.pin.series(), plan.toolchain)).flatten();
        let how = match (seed, plan.seeded) {
            (Some(_), _) => "seeded",
            (None, true) => "no recorded results for this libc; running all checks",
            (None, false) => "unseeded; running all checks",
        };
        self.ctx.reporter.status("Configuring", format!("CPython {} ({how})", plan.pin.version));
        fs_err::write(self.host.join("Modules/Setup.local"), setup_local(plan.recipe))?;
        libraries::copy(plan.libraries, self.host)?;
        configure.write_site(seed)?;
        self.run(&configure.step())?;
        // config.log contains every check and its result. `cargo xtask seed` reads this copy.
        fs_err::copy(self.host.join("config.log"), self.logs.next("config"))?;
        force_pthread_stubs(self.host)?;
        let reused = reuse::take(plan, self.host, self.ctx)?;
        if reused > 0 {
            self.ctx.reporter.status("Reusing", format!("{reused} objects from an earlier build"));
        }
        fs_err::write(stamp, "")?;
        Ok(())
    }

    /// Writes the script that is passed as `--with-build-python` when there is no native Python.
    /// configure runs this script only to get Python's version. Any other use fails with a message.
    fn write_version_script(&self) -> anyhow::Result<Utf8PathBuf> {
        let path = self.host.join("pywasm-build-python");
        let series = self.plan.pin.series();
        let text = format!(
            "#!/bin/sh\ncase \"$2\" in\n*sys.version_info*) echo {series} ;;\n\
             *) echo \"pywasm: this build has no native Python to run: $*\" >&2; exit 97 ;;\nesac\n"
        );
        fs_err::write(&path, text)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(path)
    }

    fn make(&self, name: &'static str, targets: &[&str]) -> anyhow::Result<()> {
        let jobs = self.ctx.jobs.get();
        let shown = targets.first().copied().unwrap_or_default();
        self.ctx.reporter.status("Compiling", format!("{shown} (-j{jobs})"));
        self.run(&make(name, targets, self.host, self.make, jobs, self.cache))
    }

    fn run(&self, step: &Step) -> anyhow::Result<()> {
        let bar = self.ctx.reporter.spinner("Building", step.name);
        let outcome = step.run(self.logs);
        bar.finish_and_clear();
        Ok(outcome?)
    }
}
