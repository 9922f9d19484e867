//! CPython's own tests of asyncio, of which `python -m test` skips the whole package, because some
//! of them need sockets.

use std::path::Path;

use crate::steps::{Background, Steps};
use crate::tool::Tool;

/// The test files that need no sockets, threads or processes, with exceptions in [`PROGRAM`].
const FILES: &[&str] = &[
    "test_context",
    "test_eager_task_factory",
    "test_futures2",
    "test_locks",
    "test_pep492",
    "test_protocols",
    "test_queues",
    "test_runners",
    "test_staggered",
    "test_taskgroups",
    "test_tasks",
    "test_timeouts",
    "test_transports",
    "test_waitfor",
];

/// Runs the test files. The excluded cases call `run_in_executor`, which needs a thread.
const PROGRAM: &str = "
import sys, unittest
sys.path.append('/cpython')
from test import support
support.has_socket_support = True
EXCLUDED = 'RunCoroutineThreadsafeTests'
def cases(suite):
    for each in suite:
        yield from cases(each) if isinstance(each, unittest.TestSuite) else [each]
load = unittest.defaultTestLoader.loadTestsFromName
found = [case for name in sys.argv[1:] for case in cases(load(f'test.test_asyncio.{name}'))]
chosen = [case for case in found if type(case).__name__ != EXCLUDED]
assert 1000 < len(chosen) < len(found), (len(chosen), len(found))
result = unittest.TextTestRunner(verbosity=0, stream=sys.stdout).run(unittest.TestSuite(chosen))
sys.exit(not result.wasSuccessful())
";

/// Starts the tests on the newest installation of a recipe and a CPython series. Most of their time is
/// spent waiting. `sources` is the source tree of the release.
pub(super) fn start(
    tool: &Tool<'_>,
    steps: &Steps,
    (version, recipe): (&str, &str),
    sources: &Path,
) -> anyhow::Result<Background> {
    let library = format!("{}::/cpython:ro", sources.join("Lib").display());
    let args = ["run", "--python", version, "--recipe", recipe, "--dir", &library, "-c", PROGRAM];
    let command = tool.call(&[&args[..], FILES].concat());
    steps.start(&format!("CPython's tests of asyncio, {recipe} {version}"), command)
}
