//! Creates CPython's configure command for wasm32-wasip1, and the site file that it reads.

use std::collections::BTreeMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{MinorVersion, Recipe, seeds};

use super::environment::{CompilerCache, base};
use super::libraries;
use super::source::SourceTree;
use super::step::Step;
use crate::libraries::Compiled;
use pywasm_toolchain::Toolchain;

/// The interpreter's installation prefix in the guest's file system. With this prefix, Python finds
/// a standard library mounted at `/usr/local/lib/pythonX.Y` without further settings.
pub(crate) const PREFIX: &str = "/usr/local";

/// Preset results of configure checks that upstream's config.site does not cover. The comments in
/// the text give the reasons.
const ANSWERS: &str = "\
# wasi-libc's dlopen (in libdl) always fails. Without it configure selects CPython's
# Python/dynload_stub.c, and nothing refers to dlopen, dlsym or dlerror.
ac_cv_func_dlopen=no
ac_cv_lib_dl_dlopen=no
# clock() is in libwasi-emulated-process-clocks, which this check does not link.
ac_cv_func_clock=yes
# The machine's own zlib, bzip2, lzma and others are not for wasm.
ac_cv_prog_PKG_CONFIG=no
ac_cv_path_PKG_CONFIG=
";

/// The inputs of configure.
pub(super) struct Configure<'a> {
    pub(super) source: &'a SourceTree,
    pub(super) toolchain: &'a Toolchain,
    pub(super) recipe: &'a Recipe,
    pub(super) libraries: &'a [Compiled],
    pub(super) make: &'a Utf8Path,
    pub(super) dir: &'a Utf8Path,
    pub(super) build_python: &'a Utf8Path,
    pub(super) cache: Option<&'a CompilerCache>,
}

impl Configure<'_> {
    /// Returns the configure command.
    pub(super) fn step(&self) -> Step {
        // The relative path keeps this machine's directories out of `__FILE__` and getpath's VPATH,
        // so that the result depends only on the inputs.
        let source = pathdiff::diff_utf8_paths(self.source.root(), self.dir);
        let script = source.expect("both paths are absolute").join("configure");
        let mut args = vec![script.into_string()];
        args.extend(self.args());
        Step {
            name: "configure",
            program: "/bin/sh".into(),
            args,
            env: self.env(),
            cwd: self.dir.to_owned(),
        }
    }

    fn args(&self) -> Vec<String> {
        let recipe = &self.recipe;
        let mut args = vec![
            "--host=wasm32-wasip1".to_owned(),
            format!("--build={}", build_triple()),
            format!("--with-build-python={}", self.build_python),
            format!("--prefix={PREFIX}"),
            "--with-ensurepip=no".to_owned(),
            "--with-pkg-config=no".to_owned(),
            switch(recipe.modules.tests, "--enable-test-modules", "--disable-test-modules"),
            switch(recipe.build.docstrings, "--with-doc-strings", "--without-doc-strings"),
        ];
        // Without this option, configure defines NDEBUG.
        args.extend(recipe.build.assertions.then(|| "--with-assertions".to_owned()));
        let pymalloc = recipe.build.pymalloc;
        args.extend(pymalloc.map(|on| switch(on, "--with-pymalloc", "--without-pymalloc")));
        let mimalloc = recipe.build.mimalloc;
        args.extend(mimalloc.map(|on| switch(on, "--with-mimalloc", "--without-mimalloc")));
        args
    }

    fn env(&self) -> BTreeMap<String, String> {
        let mut env = base(self.make);
        let target = format!("--target=wasm32-wasip1 --sysroot={}", self.toolchain.sysroot());
        let cache = self.cache.map(|cache| format!("{} ", cache.program)).unwrap_or_default();
        let clang = self.toolchain.clang();
        // OPT replaces CPython's default flags, `-g -O3`. CFLAGS would only be appended to them.
        let build = &self.recipe.build;
        let mut opt = format!("-Wall {}", build.opt_level.flag());
        for (enabled, flag) in [(!build.assertions, " -DNDEBUG"), (build.debug_info, " -g")] {
            opt.push_str(if enabled { flag } else { "" });
        }
        let features = build.features.iter().map(|feature| feature.flag());
        for flag in features.chain(build.cflags.iter().cloned()) {
            opt.push(' ');
            opt.push_str(&flag);
        }
        let own = [
            ("CC", format!("{cache}{clang} {target}")),
            ("CPP", format!("{clang} {target} -E")),
            ("CXX", format!("{clang}++ {target}")),
            ("AR", self.toolchain.ar().to_string()),
            ("RANLIB", self.toolchain.ranlib().to_string()),
            ("OPT", opt),
            ("CONFIG_SITE", self.site_path().to_string()),
            ("PKG_CONFIG_LIBDIR", "/nonexistent".to_owned()),
            // Since CPython 3.15, configure requires a program that runs wasm. This build runs none.
            ("HOSTRUNNER", "/nonexistent".to_owned()),
        ];
        env.extend(own.map(|(name, value)| (name.to_owned(), value)));
        env.extend(self.libraries.iter().flat_map(libraries::variables));
        env.extend(self.cache.into_iter().flat_map(|cache| cache.env.clone()));
        env
    }

    fn site_path(&self) -> Utf8PathBuf {
        self.dir.join("pywasm.site")
    }

    /// Writes the site file. The seed (recorded results of checks) comes first, so that the later
    /// lines can override it.
    pub(super) fn write_site(&self, seed: Option<&str>) -> anyhow::Result<()> {
        let upstream = match self.source.config_site() {
            Some(path) => fs_err::read_to_string(path)?,
            None => anyhow::bail!("`{}` has no config.site for WASI", self.source.root()),
        };
        let seed = seed.unwrap_or("# No seed for this libc: configure runs all checks.\n");
        let answers: String = self.libraries.iter().map(libraries::answers).collect();
        let text = format!("{seed}\n{upstream}\n{ANSWERS}{answers}");
        fs_err::write(self.site_path(), text)?;
        Ok(())
    }
}

/// Returns the recorded results of configure's checks for this CPython series and libc, if any.
pub(super) fn seed_for(series: MinorVersion, toolchain: &Toolchain) -> Option<&'static str> {
    let libc = toolchain.libc.short();
    let seed = seeds().iter().find(|seed| seed.series == series && seed.libc == libc)?;
    Some(seed.answers)
}

/// Defines `HAVE_PTHREAD_STUBS` in `pyconfig.h`, because threads are only stubs on wasip1.
///
/// configure checks whether a program that calls `pthread_create` links. With newer versions of
/// wasi-libc, such a program links, but the function always fails. CPython would then assume real
/// threads, and acquiring a lock twice would trap instead of raising an exception. No cache
/// variable controls this check.
pub(super) fn force_pthread_stubs(dir: &Utf8Path) -> anyhow::Result<()> {
    const UNSET: &str = "/* #undef HAVE_PTHREAD_STUBS */";
    const SET: &str = "#define HAVE_PTHREAD_STUBS 1";
    let path = dir.join("pyconfig.h");
    let text = fs_err::read_to_string(&path)?;
    if text.contains(SET) {
        return Ok(());
    }
    let changed = text.replacen(UNSET, SET, 1);
    if changed == text {
        anyhow::bail!("`{path}` has no line for HAVE_PTHREAD_STUBS");
    }
    fs_err::write(&path, changed).context("cannot define HAVE_PTHREAD_STUBS")
}

fn switch(on: bool, yes: &str, no: &str) -> String {
    if on { yes } else { no }.to_owned()
}

/// Returns this machine's triple for `--build`. autoconf only requires that the triple differs from
/// `--host`.
fn build_triple() -> String {
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "pc-linux-gnu" };
    format!("{}-{system}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pyconfig(text: &str) -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().to_path_buf()).unwrap();
        fs_err::write(path.join("pyconfig.h"), text).unwrap();
        (dir, path)
    }

    #[test]
    fn pthread_stubs_replace_real_threads() {
        let (_dir, path) = pyconfig("a\n/* #undef HAVE_PTHREAD_STUBS */\nb\n");
        force_pthread_stubs(&path).unwrap();
        let text = fs_err::read_to_string(path.join("pyconfig.h")).unwrap();
        assert_eq!(text, "a\n#define HAVE_PTHREAD_STUBS 1\nb\n");
    }

    #[test]
    fn pyconfig_without_the_line_is_an_error() {
        let (_dir, path) = pyconfig("nothing\n");
        assert!(force_pthread_stubs(&path).is_err());
    }
}
