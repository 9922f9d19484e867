//! Tests of interpreter snapshots: the state that they keep, the state that each start resets, and
//! the cases that are refused.

use std::process::Command;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::Installation;
use pywasm_cpython::freeze::{Embedded, add_library};
use pywasm_runtime::{Bounds, Captured, Dir, End, Program, Runtime};
use pywasm_snapshot::{Form, Request, Snapshot, snapshot};
use pywasm_tests::{Fresh, utf8};

use crate::{binary, fresh, installation};

/// The installation, store and snapshot that all tests share, because compiling the interpreter
/// takes seconds.
struct Bench {
    python: Installation,
    fresh: Fresh,
    /// The path of a snapshot with a few imported Python modules.
    usual: Utf8PathBuf,
}

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let python = installation();
        let fresh = fresh();
        let usual = fresh.root().join("usual.wasm");
        let mut bench = Bench { python, fresh, usual };
        let imports = ["datetime", "json", "logging", "os", "random", "re", "tempfile", "uuid"];
        let made = bench.made(&imports, None).expect("a snapshot");
        assert_eq!((made.form, made.random_draws.len()), (Form::Command, 0), "{made:?}");
        std::fs::write(&bench.usual, made.module).expect("a file");
        bench.usual = bench.usual.canonicalize_utf8().expect("a path");
        bench
    })
}

impl Bench {
    fn program(&self) -> Program {
        let guest = format!("/usr/local/lib/python{}", self.python.series());
        Program::new("python").dir(Dir::read_only(&utf8(&self.python.stdlib()), guest))
    }

    fn made(&self, imports: &[&str], seed: Option<u32>) -> Result<Snapshot, String> {
        self.made_with(imports, seed, self.program())
    }

    fn made_with(
        &self,
        imports: &[&str],
        hash_seed: Option<u32>,
        program: Program,
    ) -> Result<Snapshot, String> {
        self.made_with_files(imports, hash_seed, program, None)
    }

    fn made_with_files(
        &self,
        imports: &[&str],
        hash_seed: Option<u32>,
        program: Program,
        files: Option<Vec<u8>>,
    ) -> Result<Snapshot, String> {
        let module = std::fs::read(self.python.python_wasm()).expect("an interpreter");
        let imports = imports.iter().map(|name| name.parse().expect("a name")).collect();
        let request = Request { imports, init: None, program, files, hash_seed };
        let runtime = Runtime::new(&self.fresh.ctx).expect("a runtime");
        snapshot(&module, &request, &runtime).map_err(|error| format!("{error:#}"))
    }

    fn run(&self, program: &Program) -> Captured {
        self.run_bounded(program, Bounds::default())
    }

    fn run_bounded(&self, program: &Program, bounds: Bounds) -> Captured {
        self.run_file(&self.usual, program, bounds)
    }

    fn run_file(&self, file: &Utf8Path, program: &Program, bounds: Bounds) -> Captured {
        let runtime = Runtime::bounded(bounds, &self.fresh.ctx).expect("a runtime");
        let module = runtime.load(file).expect("a module");
        runtime.capture(&module, program).expect("a run")
    }

    /// Runs the original interpreter, without a snapshot, and returns its output.
    fn plain_output(&self, program: &Program) -> String {
        let python = utf8(&self.python.python_wasm());
        let ran = self.run_file(&python, program, Bounds::default());
        assert_eq!(ran.end, End::Exit(0), "{}", ran.text());
        ran.text()
    }

    /// Runs the snapshot with these arguments and returns its output.
    fn output(&self, args: &[&str]) -> String {
        let ran = self.run(&self.program().args(args.iter().copied()));
        assert_eq!(ran.end, End::Exit(0), "{args:?}: {}", ran.text());
        ran.text()
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn runs_have_their_own_inputs() {
    const CODE: &str = "
import logging, os, random, sys, tempfile, time, uuid
print(random.random(), uuid.uuid1().node, next(tempfile._get_candidate_names()))
print(sorted(os.environ.items()), os.getenv('NAME'), os.environb[b'NAME'], sys.argv[1:])
print(sys.stdin.read(), 0 <= time.monotonic() < 60, time.time() > 1.7e9)
print(abs(logging._startTime / 1e9 - time.time()) < 60, sys.stdout.isatty())
";
    let bench = bench();
    let run = |name: &str| {
        let program = bench.program().args(["-c", CODE, name]).env("NAME", name);
        let ran = bench.run(&program.env("OTHER", "ü").stdin(format!("input of {name}")));
        assert_eq!(ran.end, End::Exit(0), "{}", ran.text());
        let (drawn, rest) =
            ran.text().split_once('\n').map(|(a, b)| (a.into(), b.into())).expect("lines");
        let drawn: String = drawn;
        (drawn.split(' ').map(str::to_owned).collect::<Vec<_>>(), rest)
    };
    let (one, rest): (Vec<String>, String) = run("one");
    let (two, _): (Vec<String>, String) = run("two");
    for (one, two) in one.iter().zip(&two) {
        assert_ne!(one, two);
    }
    assert_eq!(
        rest,
        "[('NAME', 'one'), ('OTHER', 'ü')] one b'one' ['one']\ninput of one True True\nTrue False\n"
    );
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn interpreter_contains_its_library_and_packages() {
    const CODE: &str = "
import json.tool, sys
from importlib.metadata import version
from importlib.resources import files
import before, later
print(version('before'), files('before').joinpath('data.txt').read_text(), later.__file__)
try:
    open(later.__file__, 'w')
except OSError as error:
    print(error.strerror)
";
    let bench = bench();
    let library = format!("/usr/local/lib/python{}", bench.python.series());
    let packages = format!("{library}/site-packages");
    let mut files = Embedded::default();
    add_library(&mut files, &library, &utf8(&bench.python.stdlib())).expect("a library");
    for (path, content) in [
        ("before/__init__.py", "import os"),
        ("before/data.txt", "data"),
        ("before-1.5.dist-info/METADATA", "Name: before\nVersion: 1.5\n"),
        ("later.py", ""),
    ] {
        files.add(&packages, Utf8Path::new(path), content.into()).expect("a file");
    }
    let bytes = Some(files.to_bytes());
    let made = bench.made_with_files(&["before"], Some(0), Program::new("python"), bytes);
    let made = made.expect("a snapshot");
    let dir = tempfile::tempdir().expect("a directory");
    let path = Utf8Path::from_path(dir.path()).expect("UTF-8").join("python.wasm");
    std::fs::write(&path, made.module).expect("a file");
    let program = Program::new("python").args(["-c", CODE]);
    let ran = bench.run_file(&path, &program, Bounds::default());
    assert_eq!(ran.text(), format!("1.5 data {packages}/later.py\nRead-only file system\n"));
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn snapshot_survives_closed_stdin() {
    let bench = bench();
    // When the tool starts, Rust's standard library opens /dev/null in place of closed streams.
    let library = bench.python.stdlib();
    let guest = format!("/usr/local/lib/python{}", bench.python.series());
    let output = Command::new("sh")
        .args(["-c", "exec \"$@\" <&-", "sh", binary().as_str(), "pywasm", "run-wasm", "--dir"])
        .arg(format!("{}::{guest}:ro", library.display()))
        .args([bench.usual.as_str(), "-c", "import sys; print(repr(sys.stdin.read()))"])
        .env("PYWASM_STORE", bench.fresh.ctx.store.data().parent().expect("a store"))
        .output()
        .expect("a run");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "''\n");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn files_of_the_run_are_found() {
    let bench = bench();
    let dir = bench.fresh.root().join("own");
    std::fs::create_dir_all(&dir).expect("a directory");
    std::fs::write(dir.join("mine.py"), "import email.message\nprint('mine', __name__)\n").unwrap();
    let see = |program: Program| program.dir(Dir::writable(&dir, "/own"));
    for (args, expected) in [
        (&["/own/mine.py"][..], "mine __main__\n"),
        (&["-m", "mine"], "mine __main__\n"),
        (&["-c", "import mine; print(open('/own/mine.py').readline()[:6])"], "mine mine\nimport\n"),
        (&["-c", "open('/own/new', 'w').write('x'); print(__import__('os').listdir('/own'))"], ""),
    ] {
        let program = see(bench.program()).args(args.iter().copied()).env("PYTHONPATH", "/own");
        let ran = bench.run(&program);
        assert_eq!(ran.end, End::Exit(0), "{args:?}: {}", ran.text());
        assert!(ran.text().starts_with(expected), "{args:?}: {}", ran.text());
    }
    assert_eq!(std::fs::read_to_string(dir.join("new")).expect("it was written"), "x");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn python_options_apply() {
    let bench = bench();
    let flags = |words: &[&str], name: &str| {
        let code = format!("import sys; print(sys.flags.{name}, sys.flags.no_site)");
        let words: Vec<&str> = words.iter().copied().chain(["-c", &code]).collect();
        bench.output(&words)
    };
    assert_eq!(flags(&["-I"], "isolated"), "1 0\n");
    assert_eq!(flags(&["-B"], "dont_write_bytecode"), "1 0\n");
    assert_eq!(flags(&[], "isolated"), "0 0\n");
    let output =
        bench.output(&["-X", "a=b", "-c", "import sys; print(sys._xoptions, sys.orig_argv)"]);
    assert!(output.starts_with("{'a': 'b'} ['python', '-X', 'a=b', '-c'"), "{output}");
    // `os._exit` does not flush buffers, so this output appears only if `-u` has an effect.
    let code = "import sys, os; print('one', end=''); sys.stdout.buffer.write(b'two'); os._exit(0)";
    assert_eq!(bench.output(&["-u", "-c", code]), "onetwo");
    assert_eq!(bench.output(&["-c", "print('x' * 100_000)"]).len(), 100_001);
    assert!(bench.output(&["-V"]).starts_with("Python 3."));
    let text = bench.run(&bench.program().stdin("import sys; print(sys.argv)"));
    assert_eq!(text.text(), "['']\n");
    for (words, code) in [
        (&["-W", "error", "-c", "import warnings; warnings.warn('x')"][..], 1),
        (&["-c", "raise SystemExit(7)"], 7),
        (&["--nothing"], 2),
    ] {
        let ran = bench.run(&bench.program().args(words.iter().copied()));
        assert_eq!(ran.end, End::Exit(code), "{words:?}: {}", ran.text());
    }
    let program = bench.program().args(["-c", "import sys; print(sys.stdout.encoding, 'ü')"]);
    let ran = bench.run(&program.env("PYTHONIOENCODING", "latin-1"));
    assert_eq!(ran.output, b"latin-1 \xfc\n");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn fixed_options_are_refused() {
    let bench = bench();
    for (words, variable, expected) in [
        (&["-O"][..], None, "-O"),
        (&["-S"], None, "-S"),
        (&["-X", "dev"], None, "-X dev"),
        (&["-X", "utf8"], None, "-X utf8"),
        (&[], Some(("PYTHONHASHSEED", "0")), "PYTHONHASHSEED"),
        (&[], Some(("PYTHONHOME", "/x")), "PYTHONHOME"),
        (&[], Some(("PYTHONDEVMODE", "1")), "PYTHONDEVMODE"),
    ] {
        let mut program = bench.program().args(words.iter().copied()).args(["-c", "print(1)"]);
        if let Some((name, value)) = variable {
            program = program.env(name, value);
        }
        let ran = bench.run(&program);
        assert_eq!(ran.end, End::Exit(2), "{words:?} {variable:?}: {}", ran.text());
        assert!(ran.text().contains(expected), "{}", ran.text());
    }
    // In isolated mode, Python ignores its environment variables.
    let program = bench.program().args(["-I", "-c", "print(1)"]).env("PYTHONHASHSEED", "0");
    assert_eq!(bench.run(&program).text(), "1\n");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn seed_makes_snapshots_reproducible() {
    let bench = bench();
    let made = |seed| bench.made(&["json", "random"], seed).expect("a snapshot").module;
    assert!(made(Some(7)) == made(Some(7)));
    assert!(made(Some(7)) != made(Some(8)));
    assert!(made(None) != made(None));
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn hash_seed_does_not_fix_random_numbers() {
    let bench = bench();
    let file = bench.fresh.root().join("seeded.wasm");
    std::fs::write(&file, bench.made(&["random"], Some(7)).expect("a snapshot").module).unwrap();
    let code = "import random; print(hash('a')); print(random.random())";
    let run = |options: &[&str]| {
        let program = bench.program().args(options.iter().copied()).args(["-c", code]);
        let ran = bench.run_file(&file, &program, Bounds::default());
        assert_eq!(ran.end, End::Exit(0), "{}", ran.text());
        let text = ran.text();
        let (hash, number) = text.trim_end().split_once('\n').expect("lines");
        (hash.to_owned(), number.to_owned())
    };
    let plain = bench.program().args(["-c", "print(hash('a'))"]).env("PYTHONHASHSEED", "7");
    let seeded = bench.plain_output(&plain);
    let runs = [run(&[]), run(&[]), run(&["-I"]), run(&["-I"])];
    for (at, (hash, number)) in runs.iter().enumerate() {
        assert_eq!(hash, seeded.trim_end());
        assert!(runs[..at].iter().all(|(_, other)| other != number), "{runs:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn module_search_path_is_unchanged() {
    let bench = bench();
    let code = "import sys; print(sys.path)";
    for words in [&["-c", code][..], &["-I", "-c", code]] {
        let program = bench.program().args(words.iter().copied()).env("PYTHONPATH", "/a:/b");
        let ran = bench.run(&program);
        assert_eq!(ran.text(), bench.plain_output(&program), "{words:?}");
    }
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn imports_that_cannot_be_kept_are_reported() {
    let bench = bench();
    let dir = bench.fresh.root().join("bad");
    std::fs::create_dir_all(&dir).expect("a directory");
    std::fs::write(dir.join("opens.py"), "kept = open('/bad/opens.py')\n").unwrap();
    std::fs::write(dir.join("draws.py"), "import os\nTOKEN = os.urandom(16)\n").unwrap();
    std::fs::write(dir.join("ends.py"), "raise SystemExit(0)\n").unwrap();
    let made = |name: &str| {
        let program = bench.program().dir(Dir::read_only(&dir, "/bad")).env("PYTHONPATH", "/bad");
        bench.made_with(&[name], Some(1), program)
    };
    for (name, expected) in [
        ("opens", "left files open: `opens.py`"),
        ("ends", "Python ended with exit status"),
        ("nothing", "ModuleNotFoundError: No module named 'nothing'"),
    ] {
        let message = made(name).expect_err(name);
        assert!(message.contains(expected), "{message}");
    }
    std::fs::write(
        dir.join("numbers.py"),
        "import random\nDRAWN = random.Random()\nSAME = random.Random(3)\n",
    )
    .unwrap();
    let draws = made("numbers").expect("a snapshot").random_draws;
    assert!(matches!(&draws[..], [(name, 2496)] if name.contains("random.Random()")), "{draws:?}");
    let draws = made("draws").expect("a snapshot").random_draws;
    assert!(matches!(&draws[..], [(name, 16)] if name.contains("urandom")), "{draws:?}");
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn start_takes_few_instructions() {
    let bench = bench();
    let code = "import json, re, datetime, os; json.loads('[1]'); os._exit(0)";
    let program = bench.program().args(["-c", code]);
    let fuel = Bounds { fuel: Some(1_000_000), ..Bounds::default() };
    let ran = bench.run_bounded(&program, fuel);
    assert_eq!(ran.end, End::Exit(0), "{}", ran.text());
}
