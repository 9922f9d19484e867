//! Tests the class `Logger` from Python. The tests run inside wasm, in one interpreter.

use std::ffi::CString;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Runs Python code with a scratch directory, and panics if the code raises an exception.
fn python(name: &str, code: &str) {
    logger::start();
    Python::attach(|py| {
        let scope = PyDict::new(py);
        let dir = format!("target/logger-tests/{name}");
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("the current directory is writable");
        scope.set_item("directory", &dir).expect("a dict");
        scope.set_item("path", format!("{dir}/log")).expect("a dict");
        let head = "import errno, gc, os, pathlib, sys, weakref\nfrom logger import Logger\n\
            def read(): return pathlib.Path(path).read_text()\n\
            def raises(kind, function, *args, **named):\n    \
            try: function(*args, **named)\n    \
            except kind as error: return error\n    \
            raise AssertionError('nothing was raised')\n\
            def close_file():\n    \
            '''Closes the file descriptor of `path` without the knowledge of the logger.'''\n    \
            for number in range(3, 32):\n        \
            try:\n            if os.fstat(number).st_ino == os.stat(path).st_ino: os.close(number)\n        \
            except OSError: pass\n";
        let code = CString::new(format!("{head}{code}")).expect("no NUL");
        if let Err(error) = py.run(&code, Some(&scope), None) {
            error.print(py);
            panic!("{name} raised an exception");
        }
    });
}

#[test]
fn text_is_written_unchanged_on_flush() {
    python(
        "texts",
        "log = Logger(path=path)\n\
         log.log('one\\n'); log.log('ñ 🐍')\n\
         assert read() == ''\n\
         log.flush()\n\
         assert read() == 'one\\nñ 🐍'\n",
    );
}

#[test]
fn drop_flushes() {
    python(
        "dropped",
        "log = Logger(path=path)\nlog.log('kept')\nassert read() == ''\ndel log\nassert read() == 'kept'\n",
    );
}

#[test]
fn file_is_appended_to() {
    python(
        "added",
        "for text in 'ab':\n    with Logger(path=pathlib.Path(path)) as log: log.log(text)\n\
         assert read() == 'ab' and log.closed\n",
    );
}

#[test]
fn callback_runs_after_each_error() {
    python(
        "callback",
        "seen = []\nlog = Logger(lambda: (log.flush(), seen.append(read())), path=path)\n\
         for text in ['fine ', 'error ', 'ERROR ', 'an ERROR']: log.log(text)\n\
         assert seen == ['fine error ERROR ', 'fine error ERROR an ERROR'], seen\n",
    );
}

#[test]
fn callback_exception_propagates_from_log() {
    python(
        "raises",
        "def fail(): raise ZeroDivisionError('mine')\n\
         log = Logger(fail, path=path)\n\
         assert str(raises(ZeroDivisionError, log.log, 'ERROR 1')) == 'mine'\n\
         log.log(' 2'); log.close()\n\
         assert read() == 'ERROR 1 2'\n",
    );
}

#[test]
fn callback_may_use_its_logger() {
    python(
        "again",
        "depth = 0\n\
         def again():\n    global depth\n    depth += 1\n    log.log('ERROR ' if depth < 3 else 'end')\n\
         log = Logger(again, path=path)\nlog.log('ERROR ')\nlog.close()\n\
         assert read() == 'ERROR ERROR ERROR end', read()\n\
         log = Logger(lambda: log.close(), path=path)\nlog.log('ERROR')\nassert log.closed\n",
    );
}

#[test]
fn endless_callbacks_raise_recursion_error() {
    python(
        "endless",
        "log = Logger(lambda: log.log('ERROR'), path=path)\nraises(RecursionError, log.log, 'ERROR')\n",
    );
}

#[test]
fn wrong_argument_types_raise_type_error() {
    python(
        "types",
        "raises(TypeError, Logger, 7)\n\
         assert 'int' in str(raises(TypeError, Logger, 7))\n\
         log = Logger(None, path=path)\n\
         raises(TypeError, log.log, b'bytes'); raises(TypeError, log.log, None)\n\
         raises(UnicodeEncodeError, log.log, '\\ud800')\n\
         log.log('still here'); log.close()\nassert read() == 'still here'\n",
    );
}

#[test]
fn unopenable_files_raise_os_error() {
    python(
        "files",
        "error = raises(FileNotFoundError, Logger, path=path + '/none/log')\n\
         assert error.errno == errno.ENOENT and error.filename == path + '/none/log', error\n\
         assert error.strerror == os.strerror(errno.ENOENT), error\n\
         raises(OSError, Logger, path=directory)\n\
         raises((OSError, ValueError), Logger, path='a\\0b')\n",
    );
}

#[test]
fn closed_logger_rejects_text_and_closes_again() {
    python(
        "closed",
        "log = Logger(path=path)\nlog.close(); log.close(); log.flush()\n\
         assert str(raises(ValueError, log.log, 'x')) == 'the logger is closed'\n",
    );
}

#[test]
fn exception_in_with_block_closes_and_propagates() {
    python(
        "block",
        "def block():\n    with Logger(path=path) as log:\n        log.log('before')\n        1 / 0\n\
         raises(ZeroDivisionError, block)\nassert read() == 'before'\n",
    );
}

#[test]
fn logger_held_by_its_callback_is_collected() {
    python(
        "cycle",
        "class Holder:\n    def __init__(self): self.log = Logger(self.called, path=path)\n    \
         def called(self): pass\n\
         holder = Holder()\nholder.log.log('in a cycle')\nwatch = weakref.ref(holder.log)\n\
         del holder\nassert watch() is not None and read() == ''\ngc.collect()\n\
         assert watch() is None and read() == 'in a cycle'\n",
    );
}

#[test]
fn failed_write_on_drop_is_unraisable() {
    python(
        "unraisable",
        "seen = []\nold, sys.unraisablehook = sys.unraisablehook, seen.append\n\
         log = Logger(path=path)\nlog.log('lost')\nclose_file()\n\
         error = raises(OSError, log.close)\n\
         assert log.closed and error.errno == errno.EBADF, error\n\
         log = Logger(path=path)\nlog.log('lost, too')\nclose_file()\n\
         del log\nsys.unraisablehook = old\n\
         assert len(seen) == 1 and isinstance(seen[0].exc_value, OSError), seen\n",
    );
}

#[test]
fn failed_write_on_drop_keeps_the_pending_exception() {
    python(
        "pending",
        "seen = []\nold, sys.unraisablehook = sys.unraisablehook, seen.append\n\
         # `list` drops its reference to the logger while the generator raises.\n\
         def items():\n    log = Logger(path=path)\n    log.log('lost')\n    close_file()\n    \
             yield log\n    del log\n    1 / 0\n\
         raises(ZeroDivisionError, list, items())\nsys.unraisablehook = old\n\
         assert len(seen) == 1 and seen[0].exc_value.errno == errno.EBADF, seen\n",
    );
}

#[test]
fn script_of_the_article_fails_at_the_second_error() {
    logger::start();
    Python::attach(|py| {
        let scope = PyDict::new(py);
        let code = CString::new(include_str!("../python/hello_mic_testing.py")).expect("no NUL");
        py.run(&code, Some(&scope), None).expect("the script does nothing unless it is __main__");
        let test = scope.get_item("test").expect("a dict").expect("a function");
        let error = test.call0().expect_err("the callback raises");
        assert_eq!(error.to_string(), "Exception: Failed too many times");
        let count = scope.get_item("count").expect("a dict").expect("a number");
        assert_eq!(count.extract::<i32>().expect("a number"), 2);
    });
}
