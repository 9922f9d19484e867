//! The benchmarks of pyperformance that need only the standard library.

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

/// The pyperformance release.
const RELEASE: &str = "1.14.0";
/// The SHA-256 digest of the release's wheel. pip checks it.
const DIGEST: &str = "sha256:94068ac2935b6952ccb5e8a302eb9cebc26e82454494bef6e53822738adf0049";

/// The replacement for pyperf. The real pyperf starts processes, which WASI does not support.
const STAND_IN: &str = include_str!("pyperf.py");

/// A Python program that prints the interpreter's version. It is run like a benchmark.
const VERSION: &str = "import sys\nprint('RESULT', sys.implementation.name, \
    '.'.join(map(str, sys.version_info[:3])), flush=True)\n";

/// A benchmark: a file from pyperformance and its arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Benchmark {
    pub(super) name: &'static str,
    directory: &'static str,
    pub(super) words: &'static [&'static str],
}

/// All benchmarks, sorted by name.
pub(super) const BENCHMARKS: [Benchmark; 18] = [
    plain("chaos"),
    plain("comprehensions"),
    plain("deepcopy"),
    plain("deltablue"),
    plain("fannkuch"),
    plain("float"),
    plain("generators"),
    plain("go"),
    plain("hexiom"),
    plain("json_dumps"),
    plain("json_loads"),
    Benchmark { name: "logging", directory: "logging", words: &["format"] },
    plain("nbody"),
    Benchmark {
        name: "pickle_pure_python",
        directory: "pickle",
        words: &["--pure-python", "pickle"],
    },
    plain("raytrace"),
    plain("richards"),
    plain("spectral_norm"),
    plain("unpack_sequence"),
];

const fn plain(name: &'static str) -> Benchmark {
    Benchmark { name, directory: name, words: &[] }
}

/// The directory from which all contenders read the benchmarks.
#[derive(Debug)]
pub(super) struct Suite {
    dir: PathBuf,
}

impl Suite {
    /// Downloads pyperformance with pip unless it is already there, and adds the replacement for
    /// pyperf.
    pub(super) fn get(shell: &Shell, dir: PathBuf) -> anyhow::Result<Self> {
        let unpacked = dir.join(format!("pyperformance-{RELEASE}"));
        if !unpacked.is_dir() {
            unpack(shell, &dir, &unpacked)?;
        }
        let stand_in = dir.join("stand-in");
        std::fs::create_dir_all(&stand_in)?;
        std::fs::write(stand_in.join("pyperf.py"), STAND_IN)?;
        std::fs::write(stand_in.join("version.py"), VERSION)?;
        Ok(Self { dir })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the path of a benchmark, relative to the suite's directory.
    pub(super) fn script(&self, benchmark: Benchmark) -> String {
        let directory = benchmark.directory;
        format!(
            "pyperformance-{RELEASE}/pyperformance/data-files/benchmarks/bm_{directory}/run_benchmark.py"
        )
    }

    /// Returns the path of the program that prints the Python version, relative to the suite's
    /// directory.
    pub(super) fn version(&self) -> &'static str {
        "stand-in/version.py"
    }

    /// Returns the name and version of pyperformance.
    pub(super) fn release(&self) -> String {
        format!("pyperformance {RELEASE}")
    }
}

/// Downloads and unpacks the wheel, then renames the resulting directory to `unpacked`.
fn unpack(shell: &Shell, dir: &Path, unpacked: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir)?;
    let place = tempfile::tempdir_in(dir)?;
    let wish = place.path().join("requirements.txt");
    std::fs::write(&wish, format!("pyperformance=={RELEASE} --hash={DIGEST}\n"))?;
    let (wheels, tree) = (place.path().join("wheels"), place.path().join("tree"));
    cmd!(
        shell,
        "python3 -m pip --quiet download --no-deps --only-binary :all: --require-hashes --requirement {wish} --dest {wheels}"
    )
    .run()
    .context("the benchmark needs pip and access to its package index")?;
    let wheel = wheels.join(format!("pyperformance-{RELEASE}-py3-none-any.whl"));
    cmd!(shell, "python3 -m zipfile -e {wheel} {tree}").run()?;
    Ok(std::fs::rename(tree, unpacked)?)
}
