//! The parts of CPython's own test suite that `ci` runs.

/// Test files that together cover every C extension module that users are likely to import. Running
/// them takes a few minutes.
pub(crate) const SLICE: &[&str] = &[
    "test_array",
    "test_base64",
    "test_binascii",
    "test_bisect",
    "test_builtin",
    "test_bytes",
    "test_bz2",
    "test_calendar",
    "test_class",
    "test_cmath",
    "test_codecs",
    "test_collections",
    "test_complex",
    "test_contextlib",
    "test_copy",
    "test_csv",
    "test_dataclasses",
    "test_datetime",
    "test_dbm_sqlite3",
    "test_decimal",
    "test_deque",
    "test_dict",
    "test_enum",
    "test_exceptions",
    "test_float",
    "test_format",
    "test_fractions",
    "test_functools",
    "test_generators",
    "test_gzip",
    "test_hashlib",
    "test_heapq",
    "test_hmac",
    "test_int",
    "test_io",
    "test_itertools",
    "test_json",
    "test_list",
    "test_lzma",
    "test_math",
    "test_minidom",
    "test_pickle",
    "test_posix",
    "test_pyexpat",
    "test_random",
    "test_re",
    "test_set",
    "test_sqlite3",
    "test_statistics",
    "test_str",
    "test_string",
    "test_struct",
    "test_sys",
    "test_tarfile",
    "test_textwrap",
    "test_time",
    "test_traceback",
    "test_tuple",
    "test_typing",
    "test_unicodedata",
    "test_uuid",
    "test_xml_etree",
    "test_xml_etree_c",
    "test_zipfile",
    "test_zlib",
    "test_zoneinfo",
    "test_zstd",
];

/// Returns true if the CPython series has the test file.
pub(crate) fn has(series: &str, test: &str) -> bool {
    test != "test_zstd" || series != "3.13"
}

/// The test files of [`SLICE`] that take longest. `ci` runs them with recipe `full` only.
pub(crate) const SLOW: &[&str] = &[
    "test_array",
    "test_bytes",
    "test_io",
    "test_pickle",
    "test_random",
    "test_set",
    "test_statistics",
    "test_str",
    "test_tarfile",
    "test_unicodedata",
    "test_xml_etree",
    "test_zipfile",
];

/// Test files for modules that recipe `default` implements in Python and `full` in C. Everything else
/// is the same in both recipes.
pub(crate) const FALLBACKS: &[&str] =
    &["test_decimal", "test_fractions", "test_minidom", "test_statistics", "test_xml_etree"];
