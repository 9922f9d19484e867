//! Lists directories that WASI programs could not list with wasmtime alone.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use pywasm_runtime::{Dir, End, Program, Runtime};
use pywasm_tests::utf8;

use crate::{fresh, installation};

/// The number of files, more than fit in one call of `fd_readdir`.
const FILES: usize = 2000;

/// The program asserts what a listing on the host would show.
const PROGRAM: &str = "
import json, os, shutil
names = sorted(os.listdir('/dir'))
assert names == ['link', 'many', 'ü.txt'], names
for entry in os.scandir('/dir'):
    status = os.stat(entry.path, follow_symlinks=False)
    assert entry.inode() == status.st_ino, entry
assert [(e.name, e.is_dir(follow_symlinks=False), e.is_symlink())
        for e in sorted(os.scandir('/dir'), key=lambda e: e.name)
] == [('link', False, True), ('many', True, False), ('ü.txt', False, False)]
assert len(set(os.listdir('/dir/many'))) == 2000
os.rename('/dir/many', '/dir/renamed')
os.remove('/dir/renamed/7')
assert len(os.listdir('/dir/renamed')) == 1999
shutil.copytree('/dir/renamed', '/dir/renamed/a/b')
shutil.rmtree('/dir/renamed')
print(sorted(os.listdir('/dir')))
";

#[test]
#[cfg(target_os = "linux")] // macOS has no names that are not UTF-8.
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn names_that_are_not_utf8_and_many_files_are_no_problem() {
    let python = installation();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &OsStr| std::fs::write(dir.path().join(name), "").expect("a file");
    write(OsStr::from_bytes(b"caf\xe9.txt"));
    write(OsStr::new("ü.txt"));
    std::fs::create_dir(dir.path().join("many")).expect("a directory");
    for number in 0..FILES {
        write(OsStr::new(&format!("many/{number}")));
    }
    std::os::unix::fs::symlink("/etc", dir.path().join("link")).expect("a link");

    let fresh = fresh();
    let runtime = Runtime::new(&fresh.ctx).expect("a runtime");
    let module = runtime.load(&utf8(&python.python_wasm())).expect("a module");
    let guest = format!("/usr/local/lib/python{}", python.series());
    let program = Program::new("python")
        .args(["-c", PROGRAM])
        .dir(Dir::read_only(&utf8(&python.stdlib()), guest))
        .dir(Dir::writable(&utf8(dir.path()), "/dir"));
    let captured = runtime.capture(&module, &program).expect("a program that starts");
    assert_eq!(
        (captured.end.clone(), captured.text()),
        (End::Exit(0), "['link', 'ü.txt']\n".to_owned())
    );
}
