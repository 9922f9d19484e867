//! Tests the files of the standard library, which are part of the wasm module.

use frozen::call;

#[test]
fn python_finds_its_library() {
    assert_eq!(
        call("app.library", "places").unwrap(),
        "/usr/local\n/usr/local\n/usr/local/lib/python3.13/json/decoder.pyc\n\
         /usr/local/lib/python3.13/encodings"
    );
}

#[test]
fn only_selected_modules_are_in_the_library() {
    assert_eq!(
        call("app.library", "entries").unwrap(),
        "(['_strptime.pyc', 'heapq.pyc', 'json', 'os.pyc'], \
         ['__init__.pyc', 'decoder.pyc', 'encoder.pyc', 'scanner.pyc'], [])"
    );
    assert_eq!(
        call("app.library", "modules").unwrap(),
        "(['json.decoder', 'json.encoder', 'json.scanner'], ['datetime', 'email', 'json', 'os'])"
    );
}

#[test]
fn data_can_be_read() {
    assert_eq!(call("app.library", "data").unwrap(), "CSS file for pydoc.");
}

#[test]
fn library_cannot_be_changed() {
    assert_eq!(
        call("app.library", "refusals").unwrap(),
        "create: EROFS, leave: ENOTCAPABLE, make: EROFS, remove: EROFS, rename: EROFS, write: EROFS"
    );
}
