//! Tests embedded source code.

use frozen::call;

#[test]
fn source_can_be_read() {
    assert_eq!(
        call("app.library", "source").unwrap(),
        "def dumps(obj, *, skipkeys=False, ensure_ascii=True, check_circular=True,\n\
         \"\"\" codecs -- Python Codec Registry, API and helpers.\n\
         def source():"
    );
}

#[test]
fn tracebacks_show_lines_of_the_library() {
    let text = call("app.library", "traceback_text").unwrap();
    let line = "    raise JSONDecodeError(\"Expecting value\", s, err.value) from None\n";
    assert!(text.contains("json/decoder.py\", line ") && text.contains(line), "{text}");
}
