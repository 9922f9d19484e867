//! Renders the sample report with the embedded packages.

const SAMPLE: &str = include_str!("../report.json");

#[test]
fn page_is_rendered_with_embedded_data() {
    let page = report::page(SAMPLE).expect("a page");
    assert!(page.contains("<h1>Temperature &lt;lab&gt;</h1>"), "{page}");
    assert!(page.contains("2026-01-15 09:00 CET"), "{page}");
    assert!(page.contains("2026-07-15 10:00 CEST"), "{page}");
}

#[test]
fn summary_is_a_table() {
    let summary = report::summary(SAMPLE).expect("a summary");
    assert!(summary.contains("10:00 CEST") && summary.contains("23.5"), "{summary}");
}

#[test]
fn reactor_renders_its_input() {
    let input = report::input(SAMPLE.len());
    // SAFETY: `input` points to `SAMPLE.len()` bytes that nothing else uses before `render`.
    unsafe { std::ptr::copy_nonoverlapping(SAMPLE.as_ptr(), input, SAMPLE.len()) };
    let size = usize::try_from(report::render()).expect("a page");
    // SAFETY: `output` points to the page, which has this size, until the next call of `render`.
    let page = unsafe { std::slice::from_raw_parts(report::output(), size) };
    assert_eq!(std::str::from_utf8(page), Ok(report::page(SAMPLE).expect("a page").as_str()));
    report::input(0);
    assert_eq!(report::render(), report::FAILED);
}
