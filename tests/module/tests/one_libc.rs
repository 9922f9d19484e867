//! Each test compares what Rust and Python see through libc, and fails if they differ.

use std::ffi::{CStr, CString};
use std::fs;
use std::mem::MaybeUninit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use one_libc::probe;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The result of a Python function that returns `None`.
type Nothing = Py<PyAny>;

/// Calls a function of the Python module `probe`.
fn python<'py, T>(py: Python<'py>, name: &str, args: impl pyo3::call::PyCallArgs<'py>) -> T
where
    T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
{
    let call = || -> PyResult<T> {
        let result = probe(py)?.getattr(name)?.call1(args)?;
        result.extract::<T>().map_err(Into::into)
    };
    call().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn attached(test: impl FnOnce(Python<'_>)) {
    Python::initialize();
    Python::attach(test);
}

/// Creates an empty directory in the current directory.
fn scratch(name: &str) -> String {
    let dir = format!("target/one-libc/{name}");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("the current directory is writable");
    dir
}

fn c(text: &str) -> CString {
    CString::new(text).expect("no NUL")
}

/// Calls `lstat` with Rust's declaration of `stat`.
fn lstat(path: &str) -> libc::stat {
    let mut found = MaybeUninit::<libc::stat>::uninit();
    let path = c(path);
    // SAFETY: both pointers are valid; `lstat` fills the structure if it returns 0.
    unsafe {
        assert_eq!(libc::lstat(path.as_ptr(), found.as_mut_ptr()), 0);
        found.assume_init()
    }
}

#[test]
fn files_are_shared() {
    attached(|py| {
        let dir = scratch("files");
        python::<Nothing>(py, "write", (format!("{dir}/p"), "from Python ñ 🐍"));
        assert_eq!(fs::read_to_string(format!("{dir}/p")).unwrap(), "from Python ñ 🐍");
        fs::write(format!("{dir}/r"), "from Rust").unwrap();
        assert_eq!(python::<String>(py, "read", (format!("{dir}/r"),)), "from Rust");
    });
}

#[test]
fn stat_fields_agree() {
    attached(|py| {
        let dir = scratch("stat");
        let file = format!("{dir}/large");
        // A sparse file larger than 4 GiB tests that `off_t` has the same width in Rust and Python,
        // and that the fields after `st_size` have the same offsets.
        fs::File::create(&file).unwrap().set_len(5 << 30).unwrap();
        fs::hard_link(&file, format!("{dir}/again")).unwrap();
        for path in [&file, &dir] {
            let rust = lstat(path);
            let nanos =
                |at: libc::timespec| i128::from(at.tv_sec) * 1_000_000_000 + i128::from(at.tv_nsec);
            let expected = (
                rust.st_mode & libc::S_IFMT,
                rust.st_size,
                rust.st_nlink,
                rust.st_ino,
                nanos(rust.st_mtim),
                nanos(rust.st_atim),
            );
            assert_eq!(python::<(u32, i64, u64, u64, i128, i128)>(py, "lstat", (path,)), expected);
        }
        assert_eq!((lstat(&file).st_size, lstat(&file).st_nlink), (5 << 30, 2));
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        let (.., seen, _) = python::<(u32, i64, u64, u64, u64, u64)>(py, "lstat", (&file,));
        assert_eq!(modified, UNIX_EPOCH + Duration::from_nanos(seen));
    });
}

#[test]
fn large_directories_have_the_same_entries() {
    attached(|py| {
        let dir = scratch("directories");
        for index in 0..300 {
            let name = format!("{dir}/{index:03}-{}", "x".repeat(index % 60));
            if index % 7 == 0 { fs::create_dir(name) } else { fs::write(name, "") }.unwrap();
        }
        let mut rust: Vec<(String, bool, u64)> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let inode = lstat(&format!("{dir}/{name}")).st_ino;
                (name, entry.file_type().unwrap().is_dir(), inode)
            })
            .collect();
        rust.sort();
        assert_eq!(rust.len(), 300);
        assert_eq!(python::<Vec<(String, bool, u64)>>(py, "entries", (&dir,)), rust);
    });
}

#[test]
fn error_numbers_and_messages_agree() {
    attached(|py| {
        let dir = scratch("errors");
        fs::write(format!("{dir}/file"), "").unwrap();
        let long = "x".repeat(5000);
        for path in [format!("{dir}/none"), format!("{dir}/file/below"), format!("{dir}/{long}")] {
            let rust = fs::metadata(&path).unwrap_err();
            let number = rust.raw_os_error().unwrap();
            // SAFETY: the string that `strerror` returns is valid until the next call.
            let text = unsafe { CStr::from_ptr(libc::strerror(number)) }.to_str().unwrap();
            let (seen, name, seen_text) =
                python::<(i32, String, String)>(py, "stat_error", (path,));
            assert_eq!((seen, &*seen_text), (number, text), "{name}");
        }
    });
}

#[test]
fn memory_is_freed_across_languages() {
    attached(|py| {
        // SAFETY: accesses stay within each block, and each block is freed once. `PyMem_Raw*` uses
        // libc's `malloc`.
        unsafe {
            for round in 0..2000_usize {
                let size = 16 + round * 37 % 5000;
                let block = pyo3::ffi::PyMem_RawMalloc(size).cast::<u8>();
                assert!(!block.is_null());
                block.write_bytes(0xAB, size);
                let block = libc::realloc(block.cast(), size * 2).cast::<u8>();
                assert_eq!(*block.add(size - 1), 0xAB);
                libc::free(block.cast());
                let block = libc::calloc(size, 1).cast::<u8>();
                assert_eq!(*block.add(size - 1), 0);
                pyo3::ffi::PyMem_RawFree(block.cast());
            }
        }
        // If the heap is intact, Python can still allocate memory and collect garbage.
        assert_eq!(python::<i64>(py, "collector", ()), 3);
    });
}

#[test]
fn cycles_are_collected_and_finalized() {
    assert_eq!(one_libc::collect(), 3);
    assert_eq!(one_libc::collect(), 3);
}

#[test]
fn clocks_and_calendar_agree() {
    attached(|py| {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let (before, start) = (now(), std::time::Instant::now());
        let (time, monotonic) = python::<(u128, u128)>(py, "clocks", ());
        let (_, later) = python::<(u128, u128)>(py, "clocks", ());
        assert!(before <= time && time <= now(), "{before} {time}");
        assert!(later - monotonic <= start.elapsed().as_nanos());
        for seconds in [0_i64, 951_782_400, 1 << 32, 4_107_542_399] {
            let mut tm = MaybeUninit::<libc::tm>::uninit();
            // SAFETY: both pointers are valid, and `gmtime_r` fills the structure.
            let tm = unsafe {
                assert!(!libc::gmtime_r(&seconds, tm.as_mut_ptr()).is_null());
                tm.assume_init()
            };
            let rust = (tm.tm_sec, tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon, tm.tm_year);
            let seen = python::<(i32, i32, i32, i32, i32, i32)>(py, "calendar", (seconds,));
            assert_eq!(seen, rust, "{seconds}");
        }
    });
}

#[test]
fn environment_is_shared() {
    attached(|py| {
        python::<Nothing>(py, "putenv", ("ONE_LIBC", "from Python"));
        assert_eq!(std::env::var("ONE_LIBC").unwrap(), "from Python");
        let name = c("ONE_LIBC");
        // SAFETY: nothing changes the environment before the string is read.
        let seen = unsafe { CStr::from_ptr(libc::getenv(name.as_ptr())) };
        assert_eq!(seen, c"from Python");
        // SAFETY: there is only one thread.
        unsafe { std::env::remove_var("ONE_LIBC") };
        python::<Nothing>(py, "putenv", ("ONE_LIBC_2", "2"));
        assert!(std::env::var("ONE_LIBC").is_err());
        assert_eq!(std::env::vars().filter(|(name, _)| name.starts_with("ONE_LIBC")).count(), 1);
    });
}

#[test]
fn libm_results_agree() {
    unsafe extern "C" {
        fn sin(x: f64) -> f64;
        fn exp(x: f64) -> f64;
        fn log(x: f64) -> f64;
        fn fmod(x: f64, y: f64) -> f64;
        fn pow(x: f64, y: f64) -> f64;
    }
    attached(|py| {
        for x in [0.7, 3.3, 12.5] {
            let result = python::<Bound<'_, PyTuple>>(py, "arithmetic", (x,));
            let seen: (f64, f64, f64, f64, f64, f64) = result.extract().unwrap();
            // SAFETY: these functions only take and return numbers.
            let rust = unsafe { (sin(x), exp(x), log(x), fmod(x, 0.3), pow(x, 0.1)) };
            assert_eq!((seen.0, seen.1, seen.2, seen.4, seen.5), rust);
        }
    });
}
