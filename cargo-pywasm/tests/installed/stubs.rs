//! Audits a real libpython and adds stubs to it. This libpython contains all modules, but not the
//! libraries that the modules need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use object::read::archive::ArchiveFile;
use pywasm_build::Installation;
use pywasm_runtime::{Dir, End, Program, Runtime};
use pywasm_stubs::{Member, Object, family};
use pywasm_tests::{rust_lld, skip, utf8};

use crate::{binary, fresh, installation};

/// Returns libpython as CPython's makefile creates it: the installed archive without the members
/// that come from other libraries.
fn bare(python: &Installation) -> Vec<u8> {
    let path = python.lib_dir().join(format!("libpython{}.a", python.series()));
    let bytes = std::fs::read(path).expect("libpython");
    let archive = ArchiveFile::parse(&bytes[..]).expect("an archive");
    let mut members = Vec::new();
    for member in archive.members() {
        let member = member.expect("a member");
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let bytes = member.data(&bytes[..]).expect("its bytes").to_vec();
        let object = Object::read(&name, &bytes).expect("an object");
        members.push((Member { name, bytes }, object));
    }
    let own: Vec<bool> = members.iter().map(|(_, object)| has(object, is_pythons)).collect();
    let wanted: BTreeSet<String> = members
        .iter()
        .zip(&own)
        .filter(|(_, own)| **own)
        .flat_map(|((_, object), _)| object.symbols.iter().filter(|symbol| symbol.undefined))
        .map(|symbol| symbol.name.clone())
        .collect();
    // Python's object files are recognized by the names of the symbols that they define. A few of
    // them define no such name. They are kept because a recognized file refers to their symbols.
    let is_wanted = |name: &str| wanted.contains(name) && family(name).is_none();
    let kept = members.into_iter().zip(own);
    let kept = kept.filter(|((_, object), own)| *own || has(object, is_wanted));
    pywasm_stubs::archive(&kept.map(|((member, _), _)| member).collect::<Vec<_>>())
}

fn has(object: &Object, is: impl Fn(&str) -> bool) -> bool {
    object.symbols.iter().any(|symbol| !symbol.undefined && is(&symbol.name))
}

/// Returns true for a symbol of Python itself, including the hash functions in libpython.
fn is_pythons(name: &str) -> bool {
    match family(name).map(|family| family.name.as_str()) {
        Some("HACL" | "Python's C API" | "initialization of a module") => true,
        Some(_) => false,
        None => ["Py", "_Py", "pysqlite_", "_pysqlite_"].iter().any(|it| name.starts_with(it)),
    }
}

/// The WASI SDK emulation libraries that Python needs to start.
const EMULATED: [&str; 3] = ["signal", "getpid", "process-clocks"];

/// A program that clang and wasm-ld link with a bare libpython. Linker warnings are errors.
struct Linked {
    dir: tempfile::TempDir,
    python: Installation,
}

impl Linked {
    fn new() -> Self {
        let python = installation();
        let dir = tempfile::tempdir().expect("a directory");
        let main = "int Py_BytesMain(int, char **);\n\
                    int main(int count, char **words) { return Py_BytesMain(count, words); }\n";
        std::fs::write(dir.path().join("main.c"), main).expect("a file");
        std::fs::write(dir.path().join("libpython.a"), bare(&python)).expect("a file");
        Self { dir, python }
    }

    fn clang(&self, words: &[&str]) {
        let sysroot = self.python.toolchain().join("share/wasi-sysroot");
        let done = Command::new(self.python.toolchain().join("bin/clang"))
            .arg("--target=wasm32-wasip1")
            .arg(format!("--sysroot={}", sysroot.display()))
            .args(words)
            .current_dir(self.dir.path())
            .output()
            .expect("a compiler");
        let text = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && text.is_empty(), "{text}");
    }

    fn link(&self, before: &[&str], after: &[&str]) -> Utf8PathBuf {
        let mut words = vec!["-o", "python.wasm"];
        words.extend(before);
        words.push("libpython.a");
        let emulated = EMULATED.map(|name| format!("-lwasi-emulated-{name}"));
        words.extend(emulated.iter().map(String::as_str));
        words.extend(after);
        words.extend(["-lm", "-Wl,--fatal-warnings,-z,stack-size=8388608"]);
        self.clang(&words);
        utf8(&self.dir.path().join("python.wasm"))
    }

    /// Runs `emit-stubs` with the same emulation libraries as the link.
    fn emit(&self, words: &[&str]) -> (Option<i32>, String) {
        let lib = self.python.toolchain().join("share/wasi-sysroot/lib/wasm32-wasip1");
        let emulated = EMULATED.map(|name| {
            format!("--library={}", lib.join(format!("libwasi-emulated-{name}.a")).display())
        });
        let mut all = vec!["emit-stubs", "-o", "libstubs.a"];
        all.extend(words);
        all.extend(emulated.iter().map(String::as_str));
        self.tool(&all)
    }

    /// Runs the tool in the directory of the archive. Returns the exit code, and stdout followed by
    /// stderr.
    fn tool(&self, words: &[&str]) -> (Option<i32>, String) {
        let home = tempfile::tempdir().expect("a directory");
        let ran = Command::new(binary())
            .args(words)
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", home.path())
            .output()
            .expect("the tool");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (ran.status.code(), text(ran.stdout) + &text(ran.stderr))
    }

    /// Runs Python code with a linked program. Returns how the program ended, and both of its
    /// output streams.
    fn run(&self, module: &Utf8Path, code: &str) -> (End, String) {
        let fresh = fresh();
        let runtime = Runtime::new(&fresh.ctx).expect("a runtime");
        let module = runtime.load(module).expect("a module");
        let guest = format!("/usr/local/lib/python{}", self.python.series());
        let program = Program::new("python")
            .args(["-c", code])
            .dir(Dir::read_only(&utf8(&self.python.stdlib()), guest));
        let captured = runtime.capture(&module, &program).expect("a program that starts");
        (captured.end.clone(), captured.text())
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn audit_of_bare_libpython_names_families() {
    let linked = Linked::new();
    let (code, output) = linked.tool(&["audit-imports", "libpython.a", "--format", "json"]);
    assert_eq!(code, Some(1), "{output}");
    let report: serde_json::Value = serde_json::from_str(&output).expect("JSON");
    let findings = report["audited"][0]["findings"].as_array().expect("a list");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        let family = finding["family"].as_str().unwrap_or_else(|| panic!("{finding:#}"));
        *counts.entry(family).or_default() += 1;
        assert!(!finding["cures"].as_array().expect("a list").is_empty(), "{finding:#}");
        let python = finding["python"][0].as_str();
        let expected = match family {
            "libmpdec" => Some("_decimal"),
            "libexpat" => Some("pyexpat"),
            "HACL SHA-2" => Some("_sha2"),
            _ => python,
        };
        assert_eq!(python, expected, "{finding:#}");
    }
    // The numbers of undefined symbols. Since CPython 3.14, there are more SHA-2 symbols, because
    // HACL*'s HMAC refers to them, and `bare` keeps that HMAC in libpython.
    let is_old = linked.python.series() == "3.13";
    let (sha2, mpdec) = if is_old { (22, 114) } else { (32, 119) };
    let mut expected = vec![
        ("HACL SHA-2", sha2),
        ("SQLite", 85),
        ("bzip2", 6),
        ("libexpat", 57),
        ("liblzma", 16),
        ("libmpdec", mpdec),
        ("libwasi-emulated-getpid", 1),
        ("libwasi-emulated-process-clocks", 2),
        ("libwasi-emulated-signal", 5),
        ("zlib", 13),
    ];
    expected.extend((!is_old).then_some(("zstd", 39)));
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn stubbed_libpython_links_and_stub_names_itself() {
    let linked = Linked::new();
    let (code, output) = linked.emit(&["libpython.a"]);
    assert_eq!(code, Some(0), "{output}");
    let module = linked.link(&["main.c"], &["libstubs.a"]);
    let (end, text) = linked.run(&module, "print(sum(range(10)))");
    assert_eq!((end, text.as_str()), (End::Exit(0), "45\n"));
    let (end, text) = linked.run(&module, "import _decimal");
    assert!(matches!(end, End::Trap(_)), "{end:?}");
    assert!(text.contains("stub `mpd_") && text.contains("` was called"), "{text}");
    let (code, output) = linked.tool(&["audit-imports", "python.wasm"]);
    assert_eq!((code, output.as_str()), (Some(0), "python.wasm: clean under policy `wasip1`\n"));
}

/// Returns every wasm-ld on this machine: the toolchain's, Rust's, and those of LLVM 19 to 22.
fn linkers(python: &Installation) -> Vec<(String, Vec<PathBuf>)> {
    let mut found = vec![("toolchain".to_owned(), vec![python.toolchain().join("bin/wasm-ld")])];
    let path = std::env::var_os("PATH").unwrap_or_default();
    for version in 19..=22 {
        let name = format!("wasm-ld-{version}");
        match std::env::split_paths(&path).map(|dir| dir.join(&name)).find(|path| path.is_file()) {
            Some(path) => found.push((name, vec![path])),
            None => skip(&format!("{name} is not on PATH")),
        }
    }
    found.push(("rust-lld".to_owned(), vec![rust_lld(), "-flavor".into(), "wasm".into()]));
    found
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn every_linker_accepts_the_stubs() {
    let linked = Linked::new();
    linked.clang(&["-c", "main.c"]);
    let (code, output) = linked.emit(&["libpython.a"]);
    assert_eq!(code, Some(0), "{output}");
    let toolchain = linked.python.toolchain();
    let lib = toolchain.join("share/wasi-sysroot/lib/wasm32-wasip1");
    let versions = std::fs::read_dir(toolchain.join("lib/clang")).expect("clang's own library");
    let version = versions.into_iter().next().expect("a version").expect("an entry").path();
    for (name, command) in linkers(&linked.python) {
        let done = Command::new(&command[0])
            .args(&command[1..])
            .arg(lib.join("crt1-command.o"))
            .args(["main.o", "libpython.a"])
            .args(EMULATED.map(|name| lib.join(format!("libwasi-emulated-{name}.a"))))
            .args([lib.join("libm.a"), lib.join("libc.a")])
            .arg(version.join("lib/wasi/libclang_rt.builtins-wasm32.a"))
            .args(["libstubs.a", "--fatal-warnings", "-z", "stack-size=8388608"])
            .args(["-o", "python.wasm"])
            .current_dir(linked.dir.path())
            .output()
            .expect("a linker");
        let text = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && text.is_empty(), "{name}: {text}");
        let module = utf8(&linked.dir.path().join("python.wasm"));
        let (end, text) = linked.run(&module, "print('linked')");
        assert_eq!((end, text.as_str()), (End::Exit(0), "linked\n"), "{name}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn excluded_module_falls_back_to_python() {
    let linked = Linked::new();
    let (code, output) = linked.emit(&["libpython.a", "--leave-out", "_decimal"]);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("libstubs.o\nlibstubs.a\n"), "{output}");
    let module = linked.link(&["main.c", "libstubs.o"], &["libstubs.a"]);
    let code = "import decimal, sys\n\
                print(decimal.Decimal('1') / 7, decimal.Decimal('0.1') * 3, 'mpd' in dir(sys))\n\
                try: import _decimal\n\
                except ImportError as error: print(error)\n\
                print(decimal.Decimal.__module__, decimal.getcontext.__code__.co_filename.rsplit('/')[-1])";
    let (end, text) = linked.run(&module, code);
    assert_eq!(
        (end, text.as_str()),
        (
            End::Exit(0),
            "0.1428571428571428571428571429 0.3 False\n\
             module '_decimal' was left out of this Python\n\
             decimal _pydecimal.py\n"
        )
    );
}

const GLUE: &str = r#"
#include <Python.h>
#include <errno.h>
extern PyObject *gone_object(long, double);
extern int gone_int(void);
extern long long gone_number(const char *);
extern int gone_call(int);
extern int gone_variable;
extern PyObject *PyInit_gone(void);

static PyObject *object(PyObject *self, PyObject *none) { return gone_object(1, 2.0); }
static PyObject *integer(PyObject *self, PyObject *none) {
    return gone_int() < 0 ? NULL : PyLong_FromLong(0);
}
static PyObject *number(PyObject *self, PyObject *none) {
    return PyLong_FromLongLong(gone_number("") + gone_variable);
}
static PyObject *call(PyObject *self, PyObject *none) {
    return gone_call(0) < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(0);
}
static PyMethodDef methods[] = {{"object", object, METH_NOARGS}, {"integer", integer, METH_NOARGS},
    {"number", number, METH_NOARGS}, {"call", call, METH_NOARGS}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "glue", NULL, 0, methods};
static PyObject *init(void) { return PyModule_Create(&module); }

int main(int count, char **words) {
    PyImport_AppendInittab("glue", init);
    PyImport_AppendInittab("gone", PyInit_gone);
    return Py_BytesMain(count, words);
}
"#;

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn stubs_follow_their_rules() {
    let linked = Linked::new();
    std::fs::write(linked.dir.path().join("glue.c"), GLUE).expect("a file");
    let include = format!("-I{}", linked.python.include_dir().display());
    linked.clang(&["-O1", "-c", "glue.c", &include]);
    let rules = "[stubs]\n\"*\" = \"trap\"\ngone_object = \"python-error\"\n\
                 gone_int = \"python-error=-1\"\ngone_number = \"value=40\"\n\
                 gone_variable = \"value=2\"\ngone_call = \"errno\"\nPyInit_gone = \"import-error\"\n";
    std::fs::write(linked.dir.path().join("stubs.toml"), rules).expect("a file");
    let (code, output) = linked.emit(&["glue.o", "--rules", "stubs.toml", "libpython.a"]);
    assert_eq!(code, Some(0), "{output}");
    let module = linked.link(&["glue.o"], &["libstubs.a"]);
    let code = "import glue\n\
                def result(call):\n    \
                    try: return call()\n    \
                    except Exception as error: return repr(error)\n\
                for name in 'object', 'integer', 'number', 'call': print(result(getattr(glue, name)))\n\
                print(result(lambda: __import__('gone')))";
    let (end, text) = linked.run(&module, code);
    assert_eq!(
        (end, text.as_str()),
        (
            End::Exit(0),
            "NotImplementedError('stub `gone_object` was called: the real function was not linked')\n\
             NotImplementedError('stub `gone_int` was called: the real function was not linked')\n\
             42\n\
             OSError(52, 'Function not implemented')\n\
             ImportError(\"module 'gone' was left out of this Python\")\n"
        )
    );
    let (code, output) = linked.emit(&["glue.o", "libpython.a", "--stub", "getpid=errno"]);
    assert_eq!(code, Some(2), "{output}");
    assert!(output.contains("`getpid` is defined by libwasi-emulated-getpid.a"), "{output}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn returned_structure_allows_no_value_stub() {
    let linked = Linked::new();
    let rule = "PyExpat_XML_ExpatVersionInfo=null";
    let (code, output) = linked.emit(&["libpython.a", "--stub", rule]);
    assert_eq!(code, Some(2), "{output}");
    assert!(output.contains("(i32) -> () has no result") && output.contains("(sret)"), "{output}");
}

const LOADER: &str = r#"
#include <stdio.h>
void *dlopen(const char *, int);
void *dlsym(void *, const char *);
char *dlerror(void);
int main(void) {
    printf("%p %s %s\n", dlopen("libm.so", 0), dlerror(), dlerror() ? "again" : "once");
    return dlsym(0, "sin") != 0;
}
"#;

/// The shim is compiled with the toolchain of the installation, which the tool finds in the store.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn dlopen_shim_reports_no_shared_libraries() {
    let linked = Linked::new();
    std::fs::write(linked.dir.path().join("loader.c"), LOADER).expect("a file");
    linked.clang(&["-c", "loader.c"]);
    let store = linked.python.root().ancestors().nth(3).expect("a store").to_owned();
    let words = ["emit-stubs", "loader.o", "--stub", "dl*=shim", "-o", "libstubs.a"];
    let output = Command::new(binary())
        .args(words)
        .current_dir(linked.dir.path())
        .env_clear()
        .env("PYWASM_STORE", store)
        .output()
        .expect("the tool");
    assert!(output.status.success(), "{output:?}");
    linked.clang(&["loader.o", "libstubs.a", "-Wl,--fatal-warnings", "-o", "loader.wasm"]);
    let (end, text) = linked.run(&utf8(&linked.dir.path().join("loader.wasm")), "");
    assert_eq!(end, End::Exit(0), "{text}");
    assert_eq!(text, "0 dlopen: WASI has no shared libraries once\n");
}
