//! A makefile that includes CPython's Makefile and adds targets for this build.

use camino::Utf8Path;
use pywasm_recipes::Build;

use super::environment::{CompilerCache, base};
use super::optimize;
use super::step::Step;
use crate::guest;
use pywasm_toolchain::Toolchain;

/// The first lines of the makefile. They include CPython's Makefile and define a variable that the
/// rules use.
const START: &str = r"include Makefile
-include pywasm-stubs.mk
PYWASM_ARCHIVES = $(sort $(filter %.a,$(MODLIBS)))
";

/// The make rules for this build.
///
/// `pywasm-freeze.wasm` generates the frozen modules. It is linked from CPython's C freezer and
/// those libpython objects that need no frozen modules (CPython's `LIBRARY_OBJS_OMIT_FROZEN`). It
/// has its own table of built-in modules in place of `Modules/config.o`, so that the linker takes
/// only a third of the objects and the runtime compiles half as much code. Undefined functions are
/// ignored when the freezer is linked, because it never calls them. libpython is checked for
/// undefined functions before the interpreter is linked.
const RULES: &str = r"
PYWASM_CORE = $(filter-out Modules/config.o,$(LIBRARY_OBJS_OMIT_FROZEN))
.PHONY: pywasm-objects
pywasm-objects: $(LIBRARY_OBJS_OMIT_FROZEN) Programs/python.o $(PYWASM_ARCHIVES)
pywasm-inittab.o: pywasm-inittab.c
	$(CC) -c $(PY_CORE_CFLAGS) -o $@ pywasm-inittab.c
pywasm-core.a: $(PYWASM_CORE)
	rm -f $@
	$(AR) $(ARFLAGS) $@ $(PYWASM_CORE)
pywasm-stack.o: pywasm-stack.c
	$(CC) -c $(PY_CORE_CFLAGS) -DPYWASM_HOST_STACK=$(PYWASM_HOST_STACK) -o $@ pywasm-stack.c
pywasm-freeze.wasm: pywasm-objects pywasm-core.a pywasm-inittab.o pywasm-stack.o \
		Programs/_freeze_module.o Modules/getpath_noop.o
	$(LINKCC) $(PY_CORE_LDFLAGS) $(PYWASM_FREEZER_FLAGS) -Wl,--unresolved-symbols=ignore-all -o $@ \
		Programs/_freeze_module.o Modules/getpath_noop.o pywasm-inittab.o pywasm-stack.o \
		pywasm-core.a $(LIBS) $(SYSLIBS)
pywasm-snapshot.o: pywasm-snapshot.c pywasm-snapshot.h
	$(CC) -c $(PY_CORE_CFLAGS) -o $@ pywasm-snapshot.c
pywasm-python.o: pywasm-python.c
	$(CC) -c $(PY_CORE_CFLAGS) -o $@ pywasm-python.c
pywasm-libpython.a: $(PYWASM_OBJECTS)
	rm -f $@
	$(AR) $(ARFLAGS) $@ $(PYWASM_OBJECTS)
pywasm-files.o: pywasm-files.c
	$(CC) -c $(PY_CORE_CFLAGS) -DPYWASM_LATE_FILES -o $@ pywasm-files.c
PYWASM_PROGRAM = pywasm-python.o pywasm-snapshot.o pywasm-files.o
pywasm-python.wasm: $(PYWASM_PROGRAM) $(PYWASM_OBJECTS) $(PYWASM_ARCHIVES)
	$(LINKCC) $(PY_CORE_LDFLAGS) $(LINKFORSHARED) -o $@ $(PYWASM_PROGRAM) $(PYWASM_OBJECTS) $(LIBS) $(MODLIBS) $(SYSLIBS)
pywasm-archives.txt: Makefile
	@printf '%s\n' $(PYWASM_ARCHIVES) > $@
";

/// The freezer's table of built-in modules, limited to those that an interpreter imports at
/// startup.
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

/// The makefile that contains [`RULES`].
const MAKEFILE: &str = "pywasm.mk";
/// The freezer, a wasm program.
pub(super) const FREEZER: &str = "pywasm-freeze.wasm";
/// The interpreter, a wasm program. Its main function is `guest/python.c`, which supports
/// snapshots.
pub(super) const INTERPRETER: &str = "pywasm-python.wasm";
/// The libpython archive, which does not include the archives that it needs.
pub(super) const LIBPYTHON: &str = "pywasm-libpython.a";
/// The names of the archives that libpython needs, one per line.
pub(super) const ARCHIVE_LIST: &str = "pywasm-archives.txt";

/// Writes the make rules into a build directory.
pub(super) fn write_rules(
    build: &Build,
    training: Option<&[u8]>,
    toolchain: &Toolchain,
    dir: &Utf8Path,
) -> anyhow::Result<()> {
    optimize::write(build, training, dir)?;
    // The definitions come before the rules, because make expands prerequisites when it reads a
    // rule.
    let mut rules = format!(
        "{START}{}{RULES}",
        optimize::rules(build, training.is_some(), &toolchain.linker())
    );
    rules.push_str(&format!("PYWASM_HOST_STACK = {}\n", build.host_stack));
    for (file, level) in &build.files {
        let object = Utf8Path::new(file).with_extension("o");
        // If the flags contain several optimization levels, the compiler uses the last one.
        rules.push_str(&format!("{object}: OPT += {}\n", level.flag()));
    }
    fs_err::write(dir.join(MAKEFILE), rules)?;
    // Do not rewrite an unchanged file, because make would compile it again.
    for (name, text) in [
        ("pywasm-inittab.c", INITTAB_C),
        ("pywasm-files.c", guest::FILES),
        ("pywasm-python.c", guest::PROGRAM),
        ("pywasm-snapshot.c", guest::SNAPSHOT),
        ("pywasm-stack.c", guest::STACK),
        (guest::HEADER, &guest::header()),
    ] {
        let path = dir.join(name);
        if !fs_err::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            fs_err::write(path, text)?;
        }
    }
    Ok(())
}

/// Returns the command that builds these targets.
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
