//! The page `docs/packages.md`.

use std::fmt::Write as _;

use super::suite::{Outcome, Suite};

const HEAD: &str = "# Python packages that work

`cargo xtask packages` writes this page. It builds a wasm module with all of these packages, and runs a
program for each of them (`tests/packages/python/probes.py`) that uses the package together with its data,
its metadata and its plug-ins. The module sees no files of a host. It then runs the test suites of some
packages in wasm, with CPython 3.13 and recipe `full`.

The failures in the table have the reasons that are listed below. A failure without a reason fails the
check.

| package | version | program | passed | failed | skipped |
|---|---|---|---|---|---|
";

const TAIL: &str = "
## Packages that do not work

| package | reason |
|---|---|
| boto3, botocore | import `ssl`, which WASI does not have |
| fsspec, sympy | import `ctypes`, which WASI does not have |
| platformdirs, virtualenv | import `os.getuid`, which WASI does not have |
| numpy, pandas, pydantic, orjson, hypothesis 6.157 | need native code; the build says so |
| aiohttp, trio | need sockets |
";

/// Returns the text of the page.
pub(super) fn text(versions: &[(String, String)], results: &[(Suite, Outcome)]) -> String {
    let mut page = HEAD.to_owned();
    for (name, version) in versions {
        let found = results.iter().find(|(suite, _)| suite.package == *name);
        let figures = found.map_or_else(
            || "| |".to_owned(),
            |(_, it)| format!("{} | {} | {}", it.passed, it.failed.len(), it.skipped),
        );
        let _ = writeln!(page, "| {name} | {version} | works | {figures} |");
    }
    page.push_str("\n## Reasons\n\n");
    for (suite, outcome) in results {
        let failed = suite.reasons(outcome).into_iter();
        let tests = |count| if count == 1 { "test fails" } else { "tests fail" };
        let mut reasons: Vec<String> =
            failed.map(|(reason, count)| format!("{count} {}: {reason}", tests(count))).collect();
        reasons.extend(suite.left_out.iter().map(|it| format!("not run: {}", it.reason)));
        if !reasons.is_empty() {
            let _ = writeln!(page, "- **{}**: {}.", suite.package, reasons.join("; "));
        }
    }
    page.push_str(TAIL);
    page
}
