//! Uses a real interpreter to collect the Python modules to freeze.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::Installation;
use pywasm_cpython::freeze::{Frozen, Interpreter, Package, Wanted, Wheel, collect};
use pywasm_recipes::Exclude;
use pywasm_runtime::Runtime;
use pywasm_store::Store;
use pywasm_tests::Fresh;

use crate::{fresh, installation};

struct Bench {
    python: Installation,
    fresh: Fresh,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            python: installation(),
            fresh: fresh(),
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Writes a file in the user's crate.
    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    fn freeze(&self, modules: &[&str], packages: &[&str]) -> Result<Frozen, String> {
        self.collect(modules, packages, false)
    }

    fn closed(&self, modules: &[&str], packages: &[&str]) -> Result<Frozen, String> {
        self.collect(modules, packages, true)
    }

    fn collect(&self, modules: &[&str], packages: &[&str], closed: bool) -> Result<Frozen, String> {
        self.collect_wanted(&Wanted { closed, ..self.wanted(modules, packages) })
    }

    fn wanted(&self, modules: &[&str], packages: &[&str]) -> Wanted {
        let dir = Utf8Path::from_path(self.dir.path()).expect("UTF-8");
        let package = |shown: &&str| Package { path: dir.join(shown), shown: (*shown).to_owned() };
        Wanted {
            modules: modules.iter().map(|&name| name.to_owned()).collect(),
            packages: packages.iter().map(package).collect(),
            wheels: Vec::new(),
            closed: false,
            library_files: false,
            provided: vec!["provided".to_owned(), "mixed.first".to_owned()],
            exclude: Vec::new(),
            in_crate: true,
            source: false,
        }
    }

    /// Freezes installed packages, whose files are in directories with these names.
    fn wheels(&self, packages: &[&str], names: &[&str]) -> Result<Frozen, String> {
        let dir = Utf8Path::from_path(self.dir.path()).expect("UTF-8");
        let wheel = |name: &&str| Wheel { name: (*name).to_owned(), root: dir.join(name) };
        let wheels = names.iter().map(wheel).collect();
        self.collect_wanted(&Wanted { wheels, ..self.wanted(&[], packages) })
    }

    fn collect_wanted(&self, wanted: &Wanted) -> Result<Frozen, String> {
        let utf8 = |path: std::path::PathBuf| Utf8PathBuf::try_from(path).expect("UTF-8");
        let (wasm, stdlib) = (utf8(self.python.python_wasm()), utf8(self.python.stdlib()));
        let series = self.python.series();
        let interpreter = Interpreter { wasm: &wasm, name: "test", stdlib: &stdlib, series };
        let runtime = Runtime::new(&self.fresh.ctx).expect("a runtime");
        // Bytecode of installed packages is kept in a store of its own.
        let store = Store::at(&self.fresh.root().join("kept"));
        collect(wanted, interpreter, &runtime, &store).map_err(|error| format!("{error:#}"))
    }

    /// Returns true if the library imports modules when it first uses them (PEP 810). The sets include
    /// these modules, because running code does not show whether it will use them.
    fn has_lazy_imports(&self) -> bool {
        !["3.13", "3.14"].contains(&self.python.series())
    }

    fn names(&self, modules: &[&str], packages: &[&str]) -> Vec<String> {
        let frozen = self.freeze(modules, packages).expect("code");
        frozen.modules.into_iter().map(|module| module.name).collect()
    }
}

fn files(frozen: &Frozen) -> Vec<String> {
    frozen.embedded.files().map(|(path, _)| path.into_string()).collect()
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn module_brings_its_imports_only() {
    let bench = Bench::new();
    let json = bench.names(&["json"], &[]);
    for name in ["encodings", "encodings.utf_8", "json", "json.decoder", "re", "re._parser"] {
        assert!(has(&json, name), "{name}: {json:?}");
    }
    // These are not frozen: built-in modules, modules that are already frozen in libpython, and
    // modules that are imported only in a function or not at all.
    for name in ["_json", "codecs", "os", "socket"] {
        assert!(!has(&json, name), "{name}: {json:?}");
    }
    if bench.has_lazy_imports() {
        return;
    }
    assert!(!has(&json, "typing") && json.len() < 40, "{json:?}");
    let absent = bench.freeze(&["json"], &[]).expect("code").absent;
    assert!(absent.contains(&"typing".to_owned()), "{absent:?}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn imports_by_c_code_are_frozen() {
    let names = Bench::new().names(&["datetime"], &[]);
    assert!(has(&names, "_strptime") && !has(&names, "_pydatetime"), "{names:?}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn patterns_add_and_exclude_modules() {
    let bench = Bench::new();
    let names = bench.names(&["email.*", "!email.mime"], &[]);
    assert!(has(&names, "email.charset") && !has(&names, "email.mime.text"), "{names:?}");
    let all = bench.names(&["*"], &[]);
    assert!(all.len() > 400 && has(&all, "asyncio.runners") && !has(&all, "os"), "{}", all.len());
    // Only the module `readline` itself is unavailable.
    assert!(has(&all, "_pyrepl.readline") && !has(&all, "readline"));
    // sysconfig computes the name of its data module at run time, so `freeze` handles this import
    // as a special case.
    for pattern in ["*", "sysconfig"] {
        let names = bench.names(&[pattern], &[]);
        assert!(has(&names, "_sysconfigdata__wasi_wasm32-wasi"), "{pattern}: {names:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn own_package_brings_imports_of_functions() {
    let bench = Bench::new();
    bench.write("python/app/__init__.py", "from .part import value\n");
    bench.write("python/app/part.py", "value = 1\ndef f():\n    import base64, host\n");
    bench.write("python/app/plain/data.py", "");
    bench.write("python/app/not a module.py", "");
    bench.write("python/tool.py", "import app\n");
    let names = bench.names(&[], &["python/app", "python/tool.py"]);
    assert!(has(&names, "base64") && !has(&names, "app"), "{names:?}");
    let frozen = bench.freeze(&[], &["python/app", "python/tool.py"]).expect("code");
    assert_eq!(frozen.unknown, ["host"]);
    assert_eq!(
        files(&frozen),
        [
            "/pywasm/app/__init__.pyc",
            "/pywasm/app/not a module.py",
            "/pywasm/app/part.pyc",
            "/pywasm/app/plain/data.pyc",
            "/pywasm/tool.pyc"
        ]
    );
    let again = bench.freeze(&[], &["python/app", "python/tool.py"]).expect("code");
    assert_eq!(frozen.object(), again.object());
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn source_is_embedded_and_files_are_left_out_on_request() {
    let bench = Bench::new();
    bench.write("app/__init__.py", "def f():\n    import app.tests.one\n");
    for file in ["data.txt", "tests/__init__.py", "tests/one.py", "tests/data.txt"] {
        bench.write(&format!("app/{file}"), "");
    }
    bench.write("app-1.0.dist-info/METADATA", "Name: app\n");
    let exclude = ["app/tests/*", "*.none"].map(|text| text.parse().expect("a pattern")).into();
    let wanted = bench.wanted(&[], &["app", "app-1.0.dist-info"]);
    let wanted = Wanted { exclude, source: true, ..wanted };
    let frozen = bench.collect_wanted(&wanted).expect("code");
    let tag = format!("cpython-{}", bench.python.series().replace('.', ""));
    let bytecode = format!("/pywasm/app/__pycache__/__init__.{tag}.pyc");
    let expected = [
        "/pywasm/app-1.0.dist-info/METADATA",
        "/pywasm/app/__init__.py",
        &bytecode,
        "/pywasm/app/data.txt",
    ];
    let mut found = files(&frozen);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(frozen.unknown, ["app.tests.one"]);
    assert_eq!(frozen.warnings, ["`exclude`: no file of a package matches `*.none`"]);
}

/// The selection is the same, whatever the form of the library.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn embedded_library_has_the_modules_that_would_be_frozen() {
    let bench = Bench::new();
    bench.write("app.py", "def f():\n    import base64\n");
    let wanted = bench.wanted(&["json", "email.*", "!email.mime", "pydoc_data"], &["app.py"]);
    let frozen = bench.collect_wanted(&wanted).expect("code");
    let embedded = bench.collect_wanted(&Wanted { library_files: true, ..wanted.clone() });
    let embedded = embedded.expect("code");

    // Python starts even if it does not search its library.
    let start: Vec<&str> = embedded.modules.iter().map(|module| module.name.as_str()).collect();
    assert!(start.contains(&"encodings.utf_8") && !start.contains(&"json"), "{start:?}");
    assert!(start.iter().all(|name| name.starts_with("encodings")), "{start:?}");
    let library = format!("/usr/local/lib/python{}", bench.python.series());
    assert_eq!(embedded.library.as_ref(), Some(&library));
    let found = files(&embedded);
    let is_file = |path: &str| found.contains(&format!("{library}/{path}"));
    for module in frozen.modules.iter().filter(|it| !start.contains(&it.name.as_str())) {
        let path = module.name.replace('.', "/");
        let path =
            if module.package { format!("{path}/__init__.pyc") } else { format!("{path}.pyc") };
        assert!(is_file(&path), "{path}");
    }
    // The file by which Python recognizes its library, and the data of a package.
    assert!(is_file("os.pyc") && is_file("pydoc_data/_pydoc.css") && is_file("base64.pyc"));
    for path in
        ["codecs.pyc", "encodings/utf_8.pyc", "email/architecture.rst", "email/mime/text.pyc"]
    {
        assert!(!is_file(path), "{path}");
    }
    let of_library = found.iter().filter(|it| it.starts_with(&library)).count();
    assert_eq!(of_library, frozen.modules.len() - start.len() + 2, "{found:?}");

    // The source of frozen modules is also embedded.
    let wanted = Wanted { library_files: true, source: true, ..wanted };
    let found = files(&bench.collect_wanted(&wanted).expect("code"));
    for path in ["json/decoder.py", "codecs.py", "encodings/utf_8.py", "os.py", "email/__init__.py"]
    {
        assert!(found.contains(&format!("{library}/{path}")), "{path}: {found:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn closed_set_has_no_library_files() {
    let bench = Bench::new();
    let wanted = Wanted { closed: true, ..bench.wanted(&["json"], &[]) };
    let frozen = bench.collect_wanted(&wanted).expect("code");
    let wanted = Wanted { library_files: true, ..wanted };
    let again = bench.collect_wanted(&wanted).expect("code");
    assert_eq!(frozen, again);
    assert!(again.embedded.is_empty() && again.library.is_none());
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn imports_that_will_fail_and_native_files_are_warnings() {
    let bench = Bench::new();
    bench.write(
        "python/app/__init__.py",
        "import missing, missing.part, mixed.first, mixed.second, mmap, provided\n\
         from ._speed import f\nfrom . import other, _fast\n\
         try:\n    import optional\nexcept ImportError:\n    pass\n\
         def f():\n    import later\n",
    );
    bench.write("python/app/other.py", "from app._speed import g\n");
    bench.write("python/app/_speed.cpython-313-x86_64-linux-gnu.so", "");
    bench.write("python/app/_fast.abi3.so", "");
    bench.write("python/app/_unused.pyd", "");
    // On WASI, Python imports the directory instead of the native module beside it.
    bench.write("python/app/_unused/inner.py", "");
    for name in ["rules.json", "0001_initial.py", "py.typed", "other.pyi", "data/table.csv"] {
        bench.write(&format!("python/app/{name}"), "");
    }
    let frozen = bench.freeze(&[], &["python/app"]).expect("code");
    let by = "`python/app/__init__.py` imports";
    let native = |name: &str, file: &str| {
        format!(
            "{by} `app.{name}`, but `python/app/{file}` is native code for another platform and \
             cannot be embedded"
        )
    };
    let absent = |name: &str| {
        format!(
            "{by} `{name}`, which is not embedded, so the import will fail; add it to `packages`, \
             or to `provided` if your Rust code provides it"
        )
    };
    assert_eq!(
        frozen.warnings,
        [
            native("_fast", "_fast.abi3.so"),
            native("_speed", "_speed.cpython-313-x86_64-linux-gnu.so"),
            absent("missing"),
            absent("mixed.second"),
            format!(
                "{by} `mmap`, which this Python does not have, so the import will fail; add it to \
                 `provided` if your Rust code provides it"
            ),
            "not embedded, because it is native code for another platform: `python/app/_unused.pyd`; if the package works \
             without it, add it to `exclude`"
                .to_owned(),
        ]
    );
    let unknown = [
        "app._fast",
        "app._speed",
        "later",
        "missing",
        "missing.part",
        "mixed.first",
        "mixed.second",
        "mmap",
        "optional",
        "provided",
    ];
    assert_eq!(frozen.unknown, unknown);
}

/// The imports are those of yaml, markupsafe, pydantic-core and setuptools, among others.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn imports_that_never_run_or_succeed_are_not_warnings() {
    let bench = Bench::new();
    bench.write(
        "python/app/__init__.py",
        "import os.path, sys, typing, xml.etree.ElementTree as E\n\
         from collections.abc import Mapping\nimport xml.parsers.expat.model\n\
         if typing.TYPE_CHECKING:\n    import typing_extensions\n\
         if sys.version_info < (3, 11):\n    import tomli\nelse:\n    import tomllib\n\
         if sys.platform.startswith('win') or os.name == 'nt':\n    import winreg\n\
         elif not sys.version_info[:2] >= (3, 8):\n    import importlib_metadata\n\
         elif sys.platform in {'win32', 'darwin'} and unknown:\n    import _winapi\n\
         if not typing.TYPE_CHECKING:\n    import bisect\nelse:\n    import never\n\
         try:\n    import tomllib\nexcept ImportError:\n    import tomli\n\
         try:\n    import optional\nexcept ImportError:\n    pass\n\
         else:\n    import optional.part\n\
         from six.moves import urllib\n\
         PY2 = sys.version_info[0] == 2\nif PY2:\n    import StringIO\n\
         for unconditional in [1]:\n    import unconditional\n\
         from . import _core\nfrom ._stubs import f\n",
    );
    // A directory that contains only types is not a package if there is a native module.
    bench.write("python/app/_core/__init__.pyi", "");
    bench.write("python/app/_core.cpython-313-x86_64-linux-gnu.so", "");
    bench.write("python/app/_stubs/inner.pyi", "");
    bench.write("python/app/_stubs/notes.txt", "");
    bench.write("python/app/_stubs.abi3.so", "");
    bench.write("python/six.py", "import sys\nsys.modules['six.moves'] = sys\n");
    let frozen = bench.closed(&[], &["python/app", "python/six.py"]).expect("code");
    let unknown = [
        "StringIO",
        "app._core",
        "app._stubs",
        "optional",
        "optional.part",
        "tomli",
        "unconditional",
    ];
    assert_eq!(frozen.unknown, unknown);
    // The others are those of the two native modules.
    assert_eq!(frozen.warnings.len(), 3, "{:?}", frozen.warnings);
    assert!(frozen.warnings[2].contains("`unconditional`"), "{:?}", frozen.warnings);
    let names: Vec<String> = frozen.modules.iter().map(|module| module.name.clone()).collect();
    for name in ["bisect", "collections", "os", "tomllib", "xml.parsers.expat"] {
        assert!(has(&names, name), "{name}: {names:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn conditions_on_other_names_are_not_decided() {
    let bench = Bench::new();
    let long = format!("x = {}1\n", "1 + ".repeat(3000));
    for (text, expected) in [
        ("import os\nif os.name == 'nt':\n    import first\n", &[][..]),
        ("import platform as os\nif os.name == 'nt':\n    import first\n", &["first"]),
        ("for sys in []:\n    if sys.platform == 'win32':\n        import first\n", &["first"]),
        ("import os\ndef f(os):\n    if os.name == 'nt':\n        import first\n", &["first"]),
        ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import first\n", &[]),
        ("TYPE_CHECKING = True\nif TYPE_CHECKING:\n    import first\n", &["first"]),
        // The compiler accepts this code, but `ast` has lower limits.
        (&format!("{long}import first\n"), &["first"]),
        // The only binding of the outer variable is in a branch that never runs.
        (
            "import os\ndef f():\n    if os.name == 'nt':\n        x = 1\n    def g():\n        \
             nonlocal x\n        import first\n",
            &["first"],
        ),
    ] {
        bench.write("app.py", text);
        let frozen = bench.freeze(&[], &["app.py"]).expect("code");
        assert_eq!(frozen.unknown, expected, "{text}");
    }
}

/// An import in an exception handler runs only if an import in the `try` block fails.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn fallbacks_are_needed_if_the_first_choice_is_missing() {
    let bench = Bench::new();
    for (first, handled, warns) in [
        ("import json", "ImportError", false),
        ("import fast", "ImportError", true),
        ("from fast import f", "(KeyError, ModuleNotFoundError)", true),
        ("import json", "KeyError", false),
        // The inner `try` succeeds.
        ("try: import fast\n    except ImportError: import json", "ImportError", false),
        ("def f(): import fast", "ImportError", false),
    ] {
        let text = format!("try:\n    {first}\nexcept {handled}:\n    import slow\n");
        bench.write("app.py", &text);
        let frozen = bench.freeze(&[], &["app.py"]).expect("code");
        assert_eq!(frozen.warnings.len(), usize::from(warns), "{text}{:?}", frozen.warnings);
    }
    bench.write("app.py", "try:\n    import fast\nexcept KeyError:\n    pass\n");
    let frozen = bench.freeze(&[], &["app.py"]).expect("code");
    assert_eq!(frozen.warnings.len(), 1, "{:?}", frozen.warnings);
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn closed_set_has_start_up_and_imported_modules() {
    let bench = Bench::new();
    let frozen = bench.closed(&["hashlib", "heapq"], &[]).expect("code");
    let names: Vec<String> = frozen.modules.iter().map(|module| module.name.clone()).collect();
    for name in ["_frozen_importlib", "_frozen_importlib_external", "codecs", "io", "hashlib"] {
        assert!(has(&names, name), "{name}: {names:?}");
    }
    // These are imported only if a module runs as a program, or not at all.
    let others = if bench.has_lazy_imports() { &[][..] } else { &["zipimport", "typing"] };
    for name in ["doctest", "site"].iter().chain(others) {
        assert!(!has(&names, name), "{name}: {names:?}");
    }
    let built_in = frozen.built_in.expect("a closed set");
    // `hashlib` imports the modules of its algorithms inside a function. These modules are also
    // needed.
    for name in ["_heapq", "_io", "_md5", "_sha2", "_sha3", "marshal", "sys"] {
        assert!(has(&built_in, name), "{name}: {built_in:?}");
    }
    let others = if bench.has_lazy_imports() { &[][..] } else { &["unicodedata"] };
    for name in ["_decimal", "_testcapi"].iter().chain(others) {
        assert!(!has(&built_in, name), "{name}: {built_in:?}");
    }
    assert_eq!(bench.freeze(&["hashlib"], &[]).expect("code").built_in, None);
}

/// Since Python 3.15, `dataclasses` imports these modules when it first uses them.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn closed_set_has_lazily_imported_modules() {
    let frozen = Bench::new().closed(&["dataclasses"], &[]).expect("code");
    let names: Vec<String> = frozen.modules.iter().map(|module| module.name.clone()).collect();
    for name in ["copy", "copyreg", "re", "re._parser"] {
        assert!(has(&names, name), "{name}: {names:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn import_of_excluded_module_is_an_error() {
    let bench = Bench::new();
    bench.write("needs.py", "def f():\n    import uuid\n");
    bench.write("tidy.py", "import uuid\nwith open('x') as f:\n    x = [i for i in f]\n");
    bench.write("may.py", "try:\n    import uuid\nexcept ImportError:\n    uuid = None\n");
    for (modules, packages, expected) in [
        (
            &["random", "!bisect"][..],
            &[][..],
            "cannot import `random`: `random` needs `bisect`, which is excluded",
        ),
        (
            &["dataclasses", "!enum"],
            &[],
            // Since Python 3.15, `dataclasses` imports `re` only when it needs it.
            " needs `enum`, which is excluded",
        ),
        (&["!uuid"], &["needs.py"], "`needs.py` imports `uuid`, which is excluded"),
        (&["!uuid"], &["tidy.py"], "`tidy.py` imports `uuid`, which is excluded"),
        (&["!uuid"], &["may.py", "needs.py"], "`needs.py` imports `uuid`, which is excluded"),
        (&["ssl"], &[], "cannot import `ssl`: ssl needs OpenSSL"),
    ] {
        let text = bench.closed(modules, packages).unwrap_err();
        assert!(text.contains(expected), "{text}");
    }
    assert!(bench.closed(&["!uuid"], &["may.py"]).is_ok());
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn mistakes_are_errors() {
    let bench = Bench::new();
    bench.write("bad.py", "x = 1\ndef f(:\n");
    bench.write("null.py", "x = '\0'\n");
    bench.write("json.py", "");
    let error = |modules: &[&str], packages: &[&str]| bench.freeze(modules, packages).unwrap_err();
    let text = error(&[], &["bad.py"]);
    assert!(text.contains("File \"bad.py\", line 2\n    def f(:\n          ^"), "{text}");
    for (modules, packages, expected) in [
        (&["jsn"][..], &[][..], "did you mean `json`?"),
        (&["mmap"], &[], "Python has no module `mmap` to freeze"),
        (&["json", "!encodings.utf_8"], &[], "does not start without"),
        (&["json.nothing.*"], &[], "no module `json.nothing.*`"),
        (&[], &["null.py"], "`null.py` is not valid Python"),
        (&[], &["json.py"], "the name of Python's own module `json`"),
        (&[], &["none"], "package `none` does not exist"),
    ] {
        let text = error(modules, packages);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn installed_packages_are_embedded_with_everything() {
    let bench = Bench::new();
    bench.write("one/space/one/__init__.py", "import wave\n");
    bench.write("one/space/one/data.json", "{}");
    bench.write("one/one-1.0.dist-info/METADATA", "Name: one\n");
    bench.write("one/LICENSE", "text that is not Python");
    bench.write("two/space/two.py", "");
    bench.write("two/two-three.py", "not a module");
    bench.write("two/broken.py", "print 'Python 2'\n");
    for run in ["compiled", "kept"] {
        let frozen = bench.wheels(&[], &["one", "two"]).expect(run);
        assert_eq!(
            files(&frozen),
            [
                "/pywasm/LICENSE",
                "/pywasm/broken.py",
                "/pywasm/one-1.0.dist-info/METADATA",
                "/pywasm/space/one/__init__.pyc",
                "/pywasm/space/one/data.json",
                "/pywasm/space/two.pyc",
                "/pywasm/two-three.py",
            ],
            "{run}"
        );
        let names: Vec<&str> = frozen.modules.iter().map(|module| &*module.name).collect();
        assert!(names.contains(&"wave"), "{run}: {names:?}");
        assert!(frozen.warnings.is_empty(), "{run}: {:?}", frozen.warnings);
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn package_that_needs_native_code_is_refused() {
    let native = "_speed.cpython-313-x86_64-linux-gnu.so";
    let refusals = [
        ("from . import _speed\n", ""),
        (
            "try:\n    from . import _speed\nexcept ImportError as error:\n    raise ImportError('x') from error\n",
            "",
        ),
        ("if len('x'):\n    from . import inner\n", "from fast._speed import x\n"),
    ];
    for (init, inner) in refusals {
        let bench = Bench::new();
        bench.write("fast/fast/__init__.py", init);
        bench.write("fast/fast/inner.py", inner);
        bench.write(&format!("fast/fast/{native}"), "");
        let error = bench.wheels(&[], &["fast"]).expect_err(init);
        assert!(error.contains("`fast` needs native code"), "{init}: {error}");
        assert!(error.contains("fast._speed") && error.contains(native), "{init}: {error}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn calls_that_fail_when_a_file_is_imported_are_warnings() {
    let bench = Bench::new();
    for (text, function) in [
        ("import subprocess\nOUT = subprocess.run(['ls']).stdout\n", "subprocess.run"),
        (
            "from subprocess import check_output as out\nprint(out('ls'))\n",
            "subprocess.check_output",
        ),
        ("import os as o\nclass A:\n    x = [o.fork() for _ in 'a']\n", "os.fork"),
        ("import socket\nwith socket.socket() as s:\n    pass\n", "socket.socket"),
        ("from threading import Thread\nThread(target=print).start()\n", "threading.Thread.start"),
        ("import threading\nt = threading.Timer(1, print)\nt.start()\n", "threading.Timer.start"),
    ] {
        bench.write("app.py", text);
        let warnings = bench.freeze(&[], &["app.py"]).expect("code").warnings;
        let expected = format!("`app.py` calls `{function}` when it is imported, but WASI has no ");
        assert!(warnings.len() == 1 && warnings[0].starts_with(&expected), "{text}{warnings:?}");
    }
    for text in [
        "import subprocess\ndef f():\n    subprocess.run(['ls'])\n",
        "import subprocess\ntry:\n    subprocess.run(['ls'])\nexcept OSError:\n    pass\n",
        "import subprocess\nif __name__ == '__main__':\n    subprocess.run(['ls'])\n",
        "import subprocess\nrun = lambda: subprocess.run(['ls'])\n",
        "import threading\nt = threading.Thread(target=print)\n",
        "def run():\n    pass\nrun()\n",
    ] {
        bench.write("app.py", text);
        let warnings = bench.freeze(&[], &["app.py"]).expect("code").warnings;
        assert!(warnings.is_empty(), "{text}{warnings:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn package_with_much_data_is_a_warning_until_files_are_left_out() {
    let bench = Bench::new();
    bench.write("big/big/__init__.py", "");
    for file in ["de", "en"] {
        bench.write(&format!("big/big/locale/{file}.dat"), &file.repeat(1_500_000));
    }
    let warnings = bench.wheels(&[], &["big"]).expect("code").warnings;
    let expected = "`big` contains 6.0 MB of data, most of it in `big/locale`; ";
    assert!(warnings.len() == 1 && warnings[0].starts_with(expected), "{warnings:?}");
    let dir = Utf8Path::from_path(bench.dir.path()).expect("UTF-8");
    let wheels = vec![Wheel { name: "big".to_owned(), root: dir.join("big") }];
    let exclude = ["big/locale/*", "!*/de.dat"].map(|text| text.parse().expect("a pattern"));
    let wanted = Wanted { wheels, exclude: exclude.into(), ..bench.wanted(&[], &[]) };
    let frozen = bench.collect_wanted(&wanted).expect("code");
    assert_eq!(files(&frozen), ["/pywasm/big/__init__.pyc", "/pywasm/big/locale/de.dat"]);
    assert!(frozen.warnings.is_empty(), "{:?}", frozen.warnings);
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn links_are_followed_and_broken_links_are_errors() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new();
    bench.write("app/__init__.py", "from . import linked\n");
    bench.write("elsewhere/module.py", "import wave\n");
    bench.write("elsewhere/data/names.txt", "a");
    let app = bench.dir.path().join("app");
    symlink("../elsewhere/module.py", app.join("linked.py")).expect("a link");
    symlink("../elsewhere/data", app.join("data")).expect("a link");
    symlink("elsewhere/module.py", bench.dir.path().join("tool.py")).expect("a link");
    let frozen = bench.freeze(&[], &["app", "tool.py"]).expect("code");
    let expected = ["app/__init__.pyc", "app/data/names.txt", "app/linked.pyc", "tool.pyc"];
    assert_eq!(files(&frozen), expected.map(|file| format!("/pywasm/{file}")));
    assert!(frozen.modules.iter().any(|module| module.name == "wave"));
    symlink("nowhere", app.join("broken.txt")).expect("a link");
    let error = bench.freeze(&[], &["app"]).expect_err("a broken link");
    assert!(error.contains("app/broken.txt` leads to no file"), "{error}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn two_files_for_one_path_are_an_error() {
    let bench = Bench::new();
    bench.write("a/app/__init__.py", "");
    bench.write("b/app/part.py", "");
    assert!(bench.freeze(&[], &["a/app", "b/app"]).is_ok(), "different paths");
    bench.write("b/app/__init__.py", "");
    assert!(bench.freeze(&[], &["a/app", "b/app"]).is_ok(), "equal files");
    bench.write("b/app/__init__.py", "x = 1\n");
    bench.write("wheel/app/__init__.py", "x = 2\n");
    for result in [bench.freeze(&[], &["a/app", "b/app"]), bench.wheels(&["a/app"], &["wheel"])] {
        let error = result.expect_err("two files");
        assert!(
            error.contains("are different files for the path `/pywasm/app/__init__.py`"),
            "{error}"
        );
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn module_in_a_directory_of_packages_is_named() {
    let bench = Bench::new();
    bench.write("vendor/six.py", "");
    bench.write("vendor/click/__init__.py", "");
    bench.write("app.py", "import six, click.core\n");
    let warnings = bench.freeze(&[], &["vendor", "app.py"]).expect("code").warnings;
    for (warning, file) in warnings.iter().zip(["vendor/click", "vendor/six.py"]) {
        assert!(warning.contains(&format!("add `{file}` to `packages`")), "{warning}");
    }
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn names_that_the_library_lacks_are_warnings() {
    let bench = Bench::new();
    let text =
        "from os import getuid, path\nfrom json import loads, decoder\nfrom time import tzset\n";
    bench.write("app.py", text);
    let warnings = bench.freeze(&[], &["app.py"]).expect("code").warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for (warning, name) in warnings.iter().zip(["os.getuid", "time.tzset"]) {
        let expected = format!("`app.py` imports `{name}`, which this Python does not have");
        assert!(warning.starts_with(&expected), "{warning}");
    }
    for text in [
        "try:\n    from os import getuid\nexcept ImportError:\n    getuid = None\n",
        "def f():\n    from os import getuid\n",
        "try:\n    from collections.abc import Set\nexcept ImportError:\n    from collections import Set\n",
        "from os import *\nfrom concurrent.futures import thread\nfrom collections import abc\n",
    ] {
        bench.write("app.py", text);
        let warnings = bench.freeze(&[], &["app.py"]).expect("code").warnings;
        assert!(warnings.is_empty(), "{text}{warnings:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn package_is_compiled_once_for_each_selection_of_its_modules() {
    let bench = Bench::new();
    bench.write("one/one/__init__.py", "");
    bench.write("one/one/part.py", "first = 1\n");
    let dir = Utf8Path::from_path(bench.dir.path()).expect("UTF-8");
    let part = "/pywasm/one/part.pyc";
    for left_out in [&["!one.part"][..], &[]] {
        let wheels = vec![Wheel { name: "one".to_owned(), root: dir.join("one") }];
        let all = Wanted { wheels, ..bench.wanted(&[], &[]) };
        let exclude = vec!["one/part.py".parse::<Exclude>().expect("a pattern")];
        let modules = left_out.iter().map(|&word| word.to_owned()).collect();
        let fewer = if left_out.is_empty() {
            Wanted { exclude, ..all.clone() }
        } else {
            Wanted { modules, ..all.clone() }
        };
        let fewer = bench.collect_wanted(&fewer).expect("without the module");
        assert!(!files(&fewer).contains(&part.to_owned()), "{left_out:?}");
        let compiled = bench.collect_wanted(&all).expect("with the module");
        assert!(files(&compiled).contains(&part.to_owned()), "{left_out:?}");
        // The source of an installed package never changes, so the bytecode is not made again.
        bench.write("one/one/part.py", "other = 1\n");
        assert_eq!(bench.collect_wanted(&all).expect("kept").embedded, compiled.embedded);
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn package_whose_native_code_is_optional_is_embedded() {
    let native = "_speed.cpython-313-x86_64-linux-gnu.so";
    for init in [
        "try:\n    from ._speed import x\nexcept ImportError:\n    x = 1\n",
        "if len('x') > 1:\n    from ._speed import x\nelse:\n    x = 1\n",
        "def f():\n    from . import _speed\n",
        "x = 1\n",
    ] {
        let bench = Bench::new();
        bench.write("fast/fast/__init__.py", init);
        // Not imported: a module for other platforms.
        bench.write("fast/fast/windows.py", "import msvcrt\nfrom . import _speed\n");
        bench.write(&format!("fast/fast/{native}"), "");
        let frozen = bench.wheels(&[], &["fast"]).expect(init);
        assert_eq!(files(&frozen), ["/pywasm/fast/__init__.pyc", "/pywasm/fast/windows.pyc"]);
        let warnings = &frozen.warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(native), "{init}: {warnings:?}");
        assert!(warnings[0].contains("`exclude`"), "{warnings:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn package_with_the_name_of_a_library_module_is_refused() {
    let bench = Bench::new();
    bench.write("old/dataclasses.py", "");
    let error = bench.wheels(&[], &["old"]).expect_err("a backport");
    assert!(error.contains("has the name of Python's own module `dataclasses`"), "{error}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn library_module_that_cannot_be_imported_is_a_warning() {
    let bench = Bench::new();
    bench.write("one/one.py", "import ctypes\n");
    let warnings = bench.wheels(&[], &["one"]).expect("code").warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("imports `ctypes`"), "{warnings:?}");
    let dir = Utf8Path::from_path(bench.dir.path()).expect("UTF-8");
    let wheels = vec![Wheel { name: "one".to_owned(), root: dir.join("one") }];
    let elsewhere = Wanted { wheels, in_crate: false, ..bench.wanted(&[], &[]) };
    let warnings = bench.collect_wanted(&elsewhere).expect("code").warnings;
    assert!(warnings.len() == 1 && warnings[0].ends_with("the import will fail"), "{warnings:?}");
    let bench = Bench::new();
    bench.write(
        "one/one.py",
        "def f():\n    import ctypes\ntry:\n    import ctypes\nexcept ImportError:\n    pass\n",
    );
    let warnings = bench.wheels(&[], &["one"]).expect("code").warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn encodings_named_in_strings_are_frozen() {
    let bench = Bench::new();
    bench.write("one/one.py", "def f(text):\n    return text.decode('unicode-escape')\n");
    let frozen = bench.wheels(&[], &["one"]).expect("code");
    let names: Vec<&str> = frozen.modules.iter().map(|module| &*module.name).collect();
    assert!(names.contains(&"encodings.unicode_escape"), "{names:?}");
    assert!(!names.contains(&"encodings.cp437"), "{names:?}");
}
