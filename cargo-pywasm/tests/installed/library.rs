//! Modules of the standard library that need C libraries, or that work differently on WASI.

use std::path::Path;

use pywasm_runtime::{Captured, Dir, End, Program, Runtime};
use pywasm_tests::{Fresh, utf8};

use crate::{fresh, installation};

/// Runs a program with a directory at `/dir`.
fn run(fresh: &Fresh, text: &str, args: &[&str], dir: &Path, writable: bool) -> Captured {
    let python = installation();
    let runtime = Runtime::new(&fresh.ctx).expect("a runtime");
    let module = runtime.load(&utf8(&python.python_wasm())).expect("a module");
    let guest = format!("/usr/local/lib/python{}", python.series());
    let dir = utf8(dir);
    let dir = if writable { Dir::writable(&dir, "/dir") } else { Dir::read_only(&dir, "/dir") };
    let program = Program::new("python")
        .args([&["-c", text][..], args].concat())
        .dir(Dir::read_only(&utf8(&python.stdlib()), guest))
        .dir(dir);
    runtime.capture(&module, &program).expect("a program that starts")
}

/// Runs a program that asserts what it expects.
fn passes(text: &str) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let captured = run(&fresh(), text, &[], dir.path(), true);
    assert_eq!(captured.end, End::Exit(0), "{}", captured.text());
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn compressed_data_and_archives_can_be_read_and_written() {
    passes(
        "
import bz2, gzip, importlib, lzma, sys, tarfile, zipfile, zlib
data = b'some text ' * 1000
modules = [bz2, gzip, lzma, zlib]
if sys.version_info >= (3, 14):
    from compression import zstd
    modules.append(zstd)
for module in modules:
    packed = module.compress(data)
    assert len(packed) < 200 and module.decompress(packed) == data, module
with zipfile.ZipFile('/dir/code.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
    archive.writestr('zipped.py', 'value = 7\\n' + '#' * 1000)
assert zipfile.ZipFile('/dir/code.zip').getinfo('zipped.py').compress_size < 100
sys.path.append('/dir/code.zip')
assert importlib.import_module('zipped').value == 7
for kind in 'gz', 'bz2', 'xz':
    with tarfile.open(f'/dir/a.tar.{kind}', f'w:{kind}') as archive:
        archive.add('/dir/code.zip')
    with tarfile.open(f'/dir/a.tar.{kind}') as archive:
        assert archive.getnames() == ['dir/code.zip'], kind
",
    );
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn asyncio_runs_without_threads() {
    passes(
        "
import asyncio, time
async def main():
    tasks = asyncio.gather(*(asyncio.sleep(.01, i) for i in range(3)))
    assert await asyncio.wait_for(tasks, 5) == [0, 1, 2]
    queue = asyncio.Queue(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.put(1))
        assert await queue.get() == 1
    start = time.monotonic()
    try:
        async with asyncio.timeout(.05):
            await asyncio.Event().wait()
    except TimeoutError:
        assert time.monotonic() - start >= .05
    asyncio.get_running_loop().call_soon_threadsafe(queue.put_nowait, 2)
    assert await queue.get() == 2
asyncio.run(main())
",
    );
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn cycles_with_a_method_caller_are_collected() {
    passes(
        "
import gc, operator
cycle = [operator.methodcaller('get', 1)]
cycle.append(cycle)
caller = operator.methodcaller('get', cycle)
cycle.append(caller)
del cycle, caller
assert gc.collect() > 0
",
    );
}

/// The vectors are those of RFC 6070, RFC 7914 and CPython's test_hashlib.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn keys_are_derived_without_openssl() {
    passes(
        "
import hashlib
for expected, *args in [
    ('0c60c80f961f0e71f3a9b524af6012062fe037a6', 'sha1', b'password', b'salt', 1),
    ('4b007901b765489abead49d926f721d065a429c1', 'sha1', b'password', b'salt', 4096),
    ('3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038', 'sha1',
     b'passwordPASSWORDpassword', b'saltSALTsaltSALTsaltSALTsaltSALTsalt', 4096, 25),
    ('56fa6aa75548099dcc37d7f03425e0c3', 'sha1', b'pass\\0word', b'sa\\0lt', 4096, 16),
    ('55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'
     '49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
     'sha256', b'passwd', b'salt', 1, 64),
    ('867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252'
     'c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce',
     'sha512', b'password', b'salt', 1),
]:
    assert hashlib.pbkdf2_hmac(*args).hex() == expected, args
# Keys that are longer than a block are hashed first. HMAC defines the first iteration.
import hmac
for name in 'sha1', 'sha224', 'sha256', 'sha384', 'sha512':
    for size in 0, 63, 64, 65, 127, 128, 129, 300:
        key, salt = b'k' * size, b's' * (size // 2)
        expected = hmac.digest(key, salt + b'\\0\\0\\0\\1', name)
        assert hashlib.pbkdf2_hmac(name, key, salt, 1) == expected, (name, size)
for expected, password, salt, n, r, p in [
    ('77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442'
     'fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906', b'', b'', 16, 1, 1),
    ('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162'
     '2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
     b'password', b'NaCl', 1024, 8, 16),
]:
    assert hashlib.scrypt(password, salt=salt, n=n, r=r, p=p).hex() == expected
large = 2**32
for wrong in [
    dict(n=2**20), dict(n=3), dict(n=large + 2), dict(n=-2), dict(r=0), dict(r=large + 8), dict(r=2**31),
    dict(p=0), dict(p=large + 1), dict(p=2**31), dict(dklen=0),
]:
    try:
        hashlib.scrypt(b'', salt=b'', **{**dict(n=2, r=8, p=1), **wrong})
    except (OverflowError, ValueError):
        continue
    assert False, wrong
try:
    hashlib.scrypt(b'', salt=b'', r=8, p=1)
except TypeError:
    pass
else:
    assert False
",
    );
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn missing_features_fail_with_the_cause() {
    passes(
        "
import asyncio, multiprocessing, signal, socket, subprocess, threading, urllib.request
async def executor():
    await asyncio.to_thread(print)
async def handler():
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, print)
async def forever():
    await asyncio.Event().wait()
for cause, action in [
    ('no dynamic linker: link', lambda: __import__('ctypes')),
    ('no terminal', lambda: __import__('curses')),
    ('cannot map files into memory: read', lambda: __import__('mmap')),
    ('no terminal', lambda: __import__('readline')),
    ('no network: make requests on the host', lambda: __import__('ssl')),
    ('WASI has no threads', lambda: threading.Thread(target=print).start()),
    ('WASI has no threads', lambda: asyncio.run(executor())),
    ('WASI has no signals', lambda: asyncio.run(handler())),
    ('would wait forever', lambda: asyncio.run(forever())),
    ('WASI has no processes', lambda: multiprocessing.Process(target=print).start()),
    ('wasi does not support processes', lambda: subprocess.run(['ls'])),
    ('WASI has no network', lambda: socket.create_connection(('localhost', 80))),
    ('WASI has no network', lambda: urllib.request.urlopen('http://localhost')),
]:
    try:
        action()
    except Exception as error:
        assert cause in str(error), (cause, error)
    else:
        assert False, cause
",
    );
}

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn time_zones_come_from_tzdata() {
    passes(
        "
import datetime, os, struct, sys, zoneinfo
try:
    zoneinfo.ZoneInfo('Europe/Berlin')
except zoneinfo.ZoneInfoNotFoundError as error:
    assert 'tzdata' in str(error), error
else:
    assert False
header = b'TZif2' + bytes(15) + struct.pack('>6l', 0, 0, 0, 0, 1, 4)
zone = header + struct.pack('>lBB', 3600, 0, 0) + b'ONE\\0'
os.makedirs('/dir/tzdata/zoneinfo')
for name in 'tzdata', 'tzdata/zoneinfo':
    open(f'/dir/{name}/__init__.py', 'w').close()
with open('/dir/tzdata/zoneinfo/One', 'wb') as file:
    file.write(zone + zone + b'\\nONE-1\\n')
sys.path.append('/dir')
now = datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo('One'))
assert now.utcoffset() == datetime.timedelta(hours=1), now
",
    );
}

const WRITER: &str = "
import sqlite3, sys
rows = sqlite3.connect('/dir/x.db', timeout=60)
rows.execute('create table if not exists t(who, number)')
for number in range(200):
    rows.execute('insert into t values (?, ?)', (sys.argv[1], number))
    rows.commit()
";

const KILLED: &str = "
import os, sqlite3
rows = sqlite3.connect('/dir/x.db')
rows.execute('insert into t values (?, ?)', ('killed', 0))
os._exit(3)
";

/// Prints the number of rows, or the error.
const COUNT: &str = "
import sqlite3
try:
    rows = sqlite3.connect('/dir/x.db', timeout=0)
    print(rows.execute('select count(*) from t').fetchone()[0])
    rows.execute('insert into t values (0, 0)')
except sqlite3.OperationalError as error:
    print(error)
";

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn databases_lose_nothing() {
    let (fresh, dir) = (fresh(), tempfile::tempdir().expect("a temporary directory"));
    let count = |writable| {
        let captured = run(&fresh, COUNT, &[], dir.path(), writable);
        assert_eq!(captured.end, End::Exit(0), "{}", captured.text());
        captured.text()
    };
    std::thread::scope(|scope| {
        let writer = |name: &'static str| {
            let (fresh, dir) = (&fresh, dir.path());
            scope.spawn(move || run(fresh, WRITER, &[name], dir, true))
        };
        for thread in ["one", "two"].map(writer) {
            let captured = thread.join().expect("a writer");
            assert_eq!(captured.end, End::Exit(0), "{}", captured.text());
        }
    });
    assert_eq!(count(true), "400\n");
    // Nothing can be written, and SQLite cannot create a lock.
    assert_eq!(count(false), "400\nattempt to write a readonly database\n");

    assert_eq!(run(&fresh, KILLED, &[], dir.path(), true).end, End::Exit(3));
    assert_eq!(count(true), "database is locked\n");
    assert_eq!(count(false), "database is locked\n");
    std::fs::remove_dir(dir.path().join("x.db.lock")).expect("the lock of the killed program");
    assert_eq!(count(true), "400\n");
}

/// Other names of a database lead to the same lock. A connection that reads without a lock cannot
/// write without one.
#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn locks_belong_to_files() {
    passes(
        "
import os, sqlite3
def connect(name):
    return sqlite3.connect(f'/dir/{name}', timeout=0, isolation_level=None)
first = connect('x.db')
first.execute('create table t(number)')
os.symlink('x.db', '/dir/link.db')
second = connect('link.db')
first.execute('begin immediate')
assert os.listdir('/dir').count('x.db.lock') == 1 and 'link.db.lock' not in os.listdir('/dir')
try:
    second.execute('begin immediate')
except sqlite3.OperationalError as error:
    assert 'locked' in str(error), error
else:
    assert False
first.execute('insert into t values (1)')
first.execute('commit')
assert 'x.db.lock' not in os.listdir('/dir')
assert second.execute('select count(*) from t').fetchone() == (1,)
# Both read at the same time.
first.execute('begin')
second.execute('begin')
for connection in first, second:
    assert connection.execute('select count(*) from t').fetchone() == (1,)
first.execute('commit')
assert 'x.db.lock' in os.listdir('/dir')
second.execute('commit')
assert 'x.db.lock' not in os.listdir('/dir')
# Another program holds the lock.
os.mkdir('/dir/x.db.lock')
for statement in 'begin immediate', 'select * from t':
    try:
        first.execute(statement)
    except sqlite3.OperationalError as error:
        assert 'locked' in str(error), error
    else:
        assert False, statement
os.rmdir('/dir/x.db.lock')
first.execute('insert into t values (2)')
",
    );
}
