//! Tests imports of embedded modules. Cargo.toml sets `stdlib = "embedded"`, so the runner provides no
//! standard library on disk.

use frozen::call;

#[test]
fn package_imports_itself_and_the_library() {
    assert_eq!(call("app", "main").unwrap(), "done");
    assert_eq!(call("app.checks", "standard_library").unwrap(), "2026/11/21");
}

#[test]
fn tracebacks_name_file_and_line() {
    let text = call("app", "traceback_text").unwrap();
    assert!(text.contains("File \"python/app/core.py\", line 7, in fail"), "{text}");
    assert!(text.contains("File \"python/app/__init__.py\", line 20, in traceback_text"), "{text}");
    assert!(text.ends_with("ValueError: [1]\n"), "{text}");
}

#[test]
fn python_searches_only_the_files_of_the_module() {
    assert_eq!(call("app.checks", "startup_modules").unwrap(), "site,encodings,io");
    assert_eq!(
        call("app.checks", "existing_search_paths").unwrap(),
        "/usr/local/lib/python3.13,/usr/local/lib/python3.13/lib-dynload,/pywasm"
    );
}

#[test]
fn modules_not_listed_are_not_embedded() {
    assert_eq!(
        call("app.checks", "excluded_modules").unwrap(),
        "email.message\nNo module named 'email.mime'\nNo module named 'email.mime'\n\
         No module named 'http'"
    );
}
