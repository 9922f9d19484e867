//! The runner gives these tests no standard library: `stdlib = "frozen"`.

use frozen::call;

#[test]
fn a_package_imports_itself_and_the_library() {
    assert_eq!(call("app", "main").unwrap(), "done");
    assert_eq!(call("app.looks", "library").unwrap(), "2026/11/21");
}

#[test]
fn tracebacks_name_file_and_line() {
    let text = call("app", "failed").unwrap();
    assert!(text.contains("File \"python/app/core.py\", line 7, in fail"), "{text}");
    assert!(text.contains("File \"python/app/__init__.py\", line 20, in failed"), "{text}");
    assert!(text.ends_with("ValueError: [1]\n"), "{text}");
}

#[test]
fn python_starts_in_full_without_any_place_to_look_in() {
    assert_eq!(call("app.looks", "started").unwrap(), "site,encodings,io");
    assert_eq!(call("app.looks", "places").unwrap(), "");
}

#[test]
fn what_was_not_named_is_not_there() {
    assert_eq!(
        call("app.looks", "left_out").unwrap(),
        "email.message\nNo module named 'email.mime'\nNo module named 'email.mime'\n\
         No module named 'http'"
    );
}
