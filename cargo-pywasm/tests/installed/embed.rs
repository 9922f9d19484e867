//! Compiles and links a C program with the installation, and runs Python with only the zipped
//! standard library.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_runtime::{Dir, End, Program, Runtime};

use crate::{fresh, installation};

const MAIN: &str = r#"
#include <Python.h>
int main(void) {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    PyStatus status = Py_InitializeFromConfig(&config);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    int failed = PyRun_SimpleString("import json; print(json.dumps({'sum': sum(range(10))}))");
    return Py_FinalizeEx() < 0 ? 3 : failed ? 4 : 0;
}
"#;

fn run(module: &Utf8Path, program: &Program) -> (End, String) {
    let fresh = fresh();
    let runtime = Runtime::new(&fresh.ctx).expect("a runtime");
    let module = runtime.load(module).expect("a module");
    let captured = runtime.capture(&module, program).expect("a program that starts");
    (captured.end.clone(), captured.text())
}

fn utf8(path: std::path::PathBuf) -> Utf8PathBuf {
    Utf8PathBuf::try_from(path).expect("a path in UTF-8")
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn c_program_links_without_warnings_and_runs() {
    let python = installation();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let dir = utf8(dir.keep());
    std::fs::write(dir.join("main.c"), MAIN).expect("a source file");
    let objects = python
        .cc()
        .file(dir.join("main.c"))
        .out_dir(&dir)
        .host("none")
        .opt_level(1)
        .cargo_metadata(false)
        .compile_intermediates();
    let (lib, wasm) = (python.lib_dir(), dir.join("embed.wasm"));
    let linked = Command::new(python.toolchain().join("bin/clang"))
        .arg("--target=wasm32-wasip1")
        .arg(format!("--sysroot={}", python.toolchain().join("share/wasi-sysroot").display()))
        .args(objects)
        .arg("-L")
        .arg(&lib)
        .arg(format!("-lpython{}", python.series()))
        .args(["-Wl,--fatal-warnings", "-Wl,-z,stack-size=8388608", "-Wl,--stack-first", "-o"])
        .arg(&wasm)
        .output()
        .expect("a linker");
    assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
    let guest = format!("/usr/local/lib/python{}", python.series());
    let program = Program::new("embed").dir(Dir::read_only(&utf8(python.stdlib()), guest));
    assert_eq!(run(&wasm, &program), (End::Exit(0), "{\"sum\": 45}\n".to_owned()));
    std::fs::remove_dir_all(dir).expect("its own directory");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn zip_is_a_complete_standard_library() {
    let python = installation();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let lib = utf8(dir.path().to_path_buf());
    let zip = utf8(python.stdlib_zip());
    std::fs::copy(&zip, lib.join(zip.file_name().expect("a name"))).expect("a copy");
    let program = Program::new("python")
        .args(["-c", "import json, email.message, sys; print(json.__file__)"])
        .dir(Dir::read_only(&lib, "/usr/local/lib"));
    let (end, text) = run(&utf8(python.python_wasm()), &program);
    assert_eq!(end, End::Exit(0), "{text}");
    let inside = format!("/usr/local/lib/{}/json/__init__.py", zip.file_name().expect("a name"));
    assert!(text.contains(&inside) || text.contains(&inside.replace(".py", ".pyc")), "{text}");
}

/// Some names in Python's C API are macros, so no function has these names. If a program declares
/// and calls such a function, linking fails, and the error names the function to call instead.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn called_macro_names_its_function() {
    let python = installation();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let source = "void *PyModule_Create(void *);\nint main(void) { return !PyModule_Create(0); }\n";
    std::fs::write(dir.path().join("main.c"), source).expect("a source file");
    let linked = Command::new(python.toolchain().join("bin/clang"))
        .arg("--target=wasm32-wasip1")
        .arg(format!("--sysroot={}", python.toolchain().join("share/wasi-sysroot").display()))
        .args(["main.c", "-lpywasm_macros", "-L"])
        .arg(python.lib_dir())
        .arg(format!("-lpython{}", python.series()))
        .current_dir(dir.path())
        .output()
        .expect("a linker");
    let text = String::from_utf8_lossy(&linked.stderr);
    assert!(!linked.status.success() && text.contains("call PyModule_Create2(def, "), "{text}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn known_macros_match_libpython() {
    let python = installation();
    let known = pywasm_stubs::macros();
    let mut asking = pywasm_stubs::Writer::new();
    for it in &known {
        asking.undefined_data(&it.name);
        asking.undefined_data(it.function());
    }
    let mut link = pywasm_stubs::Link::new();
    link.object("asking", &asking.finish()).expect("an object");
    let libpython = python.lib_dir().join(format!("libpython{}.a", python.series()));
    let libpython = std::fs::read(libpython).expect("libpython");
    link.archive("libpython", &libpython).expect("an archive");
    let undefined: Vec<String> = link
        .undefined()
        .into_iter()
        .filter(|symbol| symbol.needed_by.iter().any(|object| object.contains("asking")))
        .map(|symbol| symbol.name)
        .collect();
    let names: Vec<String> = known.into_iter().map(|it| it.name).collect();
    assert_eq!(undefined, names);
}
