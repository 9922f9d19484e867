//! What is made, and no more: the makefile that stands over CPython's own.

use camino::Utf8Path;
use pywasm_recipes::Build;

use super::environment::{CompilerCache, base};
use super::optimize;
use super::step::Step;
use crate::snapshot::guest;
use pywasm_toolchain::Toolchain;

/// What comes before the rules: CPython's own, and names for what both read.
const START: &str = r"include Makefile
-include pywasm-stubs.mk
PYWASM_ARCHIVES = $(sort $(filter %.a,$(MODLIBS)))
";

/// Rules over CPython's Makefile. `LIBRARY_OBJS_OMIT_FROZEN` is CPython's own name for
/// everything of libpython that needs no frozen module; from these objects and CPython's C
/// freezer a wasm program is linked that makes the frozen modules. It gets a table of
/// built-in modules of its own in place of `Modules/config.o`, so that the linker takes a
/// third of the objects only, and the runtime has half as much to compile. What it lacks it does not
/// call; what libpython lacks is told before the interpreter is linked.
const RULES: &str = r"
PYWASM_CORE = $(filter-out Modules/config.o,$(LIBRARY_OBJS_OMIT_FROZEN))
.PHONY: pywasm-objects
pywasm-objects: $(LIBRARY_OBJS_OMIT_FROZEN) Programs/python.o $(PYWASM_ARCHIVES)
pywasm-inittab.o: pywasm-inittab.c
	$(CC) -c $(PY_CORE_CFLAGS) -o $@ pywasm-inittab.c
pywasm-core.a: $(PYWASM_CORE)
	rm -f $@
	$(AR) $(ARFLAGS) $@ $(PYWASM_CORE)
pywasm-freeze.wasm: pywasm-objects pywasm-core.a pywasm-inittab.o \
		Programs/_freeze_module.o Modules/getpath_noop.o
	$(LINKCC) $(PY_CORE_LDFLAGS) $(PYWASM_FREEZER_FLAGS) -Wl,--unresolved-symbols=ignore-all -o $@ \
		Programs/_freeze_module.o Modules/getpath_noop.o pywasm-inittab.o \
		pywasm-core.a $(LIBS) $(SYSLIBS)
pywasm-snapshot.o: pywasm-snapshot.c pywasm-snapshot.h
	$(CC) -c $(PY_CORE_CFLAGS) -o $@ pywasm-snapshot.c
pywasm-python.o: pywasm-python.c
	$(CC) -c $(PY_CORE_CFLAGS) -o $@ pywasm-python.c
pywasm-libpython.a: $(PYWASM_OBJECTS)
	rm -f $@
	$(AR) $(ARFLAGS) $@ $(PYWASM_OBJECTS)
pywasm-python.wasm: pywasm-python.o pywasm-snapshot.o $(PYWASM_OBJECTS) $(PYWASM_ARCHIVES)
	$(LINKCC) $(PY_CORE_LDFLAGS) $(LINKFORSHARED) -o $@ pywasm-python.o pywasm-snapshot.o \
		$(PYWASM_OBJECTS) $(LIBS) $(MODLIBS) $(SYSLIBS)
pywasm-archives.txt: Makefile
	@printf '%s\n' $(PYWASM_ARCHIVES) > $@
";

/// What the freezer imports: the modules a bare interpreter starts with.
const INITTAB_C: &str = r#"#include "Python.h"
extern PyObject *PyMarshal_Init(void), *PyInit__imp(void), *PyInit_gc(void), *PyInit__ast(void);
extern PyObject *_PyWarnings_Init(void), *PyInit__io(void), *PyInit_posix(void);
extern PyObject *PyInit__codecs(void), *PyInit__thread(void), *PyInit__weakref(void);
extern PyObject *PyInit__signal(void), *PyInit__abc(void);
struct _inittab _PyImport_Inittab[] = {
    {"marshal", PyMarshal_Init}, {"_imp", PyInit__imp}, {"builtins", NULL}, {"sys", NULL},
    {"gc", PyInit_gc}, {"_warnings", _PyWarnings_Init}, {"_ast", PyInit__ast},
    {"_io", PyInit__io}, {"posix", PyInit_posix}, {"_codecs", PyInit__codecs},
    {"_thread", PyInit__thread}, {"_weakref", PyInit__weakref},
    {"_signal", PyInit__signal}, {"_abc", PyInit__abc}, {0, 0}
};
"#;

/// The file that holds the rules.
const MAKEFILE: &str = "pywasm.mk";
/// The freezer, a wasm program.
pub(super) const FREEZER: &str = "pywasm-freeze.wasm";
/// The interpreter, a wasm program. Its main is ours, so that snapshots can be made of it.
pub(super) const INTERPRETER: &str = "pywasm-python.wasm";
/// All of libpython but what it needs beside it.
pub(super) const LIBPYTHON: &str = "pywasm-libpython.a";
/// Names, one a line, of the archives that libpython needs beside it.
pub(super) const ARCHIVE_LIST: &str = "pywasm-archives.txt";

/// Writes the rules into a build directory.
pub(super) fn write_rules(
    build: &Build,
    training: Option<&[u8]>,
    toolchain: &Toolchain,
    dir: &Utf8Path,
) -> anyhow::Result<()> {
    optimize::write(build, training, dir)?;
    // Prerequisites are read where they stand: names come before the rules.
    let mut rules = format!(
        "{START}{}{RULES}",
        optimize::rules(build, training.is_some(), &toolchain.linker())
    );
    for (file, level) in &build.files {
        let object = Utf8Path::new(file).with_extension("o");
        // The last of two levels counts.
        rules.push_str(&format!("{object}: OPT += {}\n", level.flag()));
    }
    fs_err::write(dir.join(MAKEFILE), rules)?;
    // make compares dates: writing an unchanged file again would compile it again.
    for (name, text) in [
        ("pywasm-inittab.c", INITTAB_C),
        ("pywasm-python.c", guest::PROGRAM),
        ("pywasm-snapshot.c", guest::SNAPSHOT),
        (guest::HEADER, &guest::header()),
    ] {
        let path = dir.join(name);
        if !path.exists() {
            fs_err::write(path, text)?;
        }
    }
    Ok(())
}

/// A `make` of these targets.
pub(super) fn make(
    name: &'static str,
    targets: &[&str],
    dir: &Utf8Path,
    make: &Utf8Path,
    jobs: usize,
    cache: Option<&CompilerCache>,
) -> Step {
    let mut args = vec!["-f".to_owned(), MAKEFILE.to_owned(), format!("-j{jobs}")];
    args.extend(targets.iter().map(|target| (*target).to_owned()));
    let mut env = base(make);
    env.extend(cache.into_iter().flat_map(|cache| cache.env.clone()));
    Step { name, program: make.to_owned(), args, env, cwd: dir.to_owned() }
}
