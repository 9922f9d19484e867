//! The real thing: real sources, a real compiler, CPython's own tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use xshell::Shell;

use crate::tool::{Tool, manifest, root};
use crate::{declared, embed};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep what an earlier run left in its store
    #[arg(long)]
    warm: bool,
    /// Test files of CPython to run on each recipe
    #[arg(long, value_delimiter = ',', default_values = SLICE)]
    tests: Vec<String>,
}

/// Test files that together touch every C module a user is likely to meet, in minutes.
const SLICE: &[&str] = &[
    "test_array",
    "test_base64",
    "test_binascii",
    "test_bisect",
    "test_builtin",
    "test_bytes",
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
    "test_hashlib",
    "test_heapq",
    "test_hmac",
    "test_int",
    "test_io",
    "test_itertools",
    "test_json",
    "test_list",
    "test_math",
    "test_minidom",
    "test_pickle",
    "test_posix",
    "test_pyexpat",
    "test_random",
    "test_re",
    "test_set",
    "test_statistics",
    "test_str",
    "test_string",
    "test_struct",
    "test_sys",
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
    "test_zoneinfo",
];

impl Default for Args {
    fn default() -> Self {
        Self { warm: false, tests: SLICE.iter().map(|name| (*name).to_owned()).collect() }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let store = root().join("target/e2e-store");
    if !args.warm && store.exists() {
        std::fs::remove_dir_all(&store)?;
    }
    let tool = Tool::build(&shell, &store)?;

    title("the main job: a CPython from nothing");
    let default = tool.install(&[])?;
    says_its_version(&tool, &default)?;

    title("installing again does nothing");
    let again = tool.call(&["install"]).read_stderr()?;
    anyhow::ensure!(again.contains("Fresh"), "not a no-op:\n{again}");

    title("recipe `full`: killed in the middle, then two at once");
    let full = killed_then_two_at_once(&tool)?;
    has_nothing_undefined(&full)?;

    title("other releases");
    let mut others = Vec::new();
    for version in ["3.13.5", "3.14"] {
        let root = tool.install(&["--python", version, "--recipe", "full"])?;
        says_its_version(&tool, &root)?;
        others.push(root);
    }

    title("recipe `speed`: trained, and optimized as a whole");
    let speed = with_its_loop(&tool, "3.13")?;
    with_its_loop(&tool, "3.14")?;

    title("in an embedder's hands");
    for installed in [&default, &full, &speed] {
        xshell::cmd!(shell, "cargo test --quiet --package pywasm-tests --test embed -- --ignored")
            .env("PYWASM_INSTALLATION", installed)
            .run()?;
    }

    for installed in [&full, &others[1]] {
        xshell::cmd!(shell, "cargo test --quiet --package pywasm-tests --test freeze -- --ignored")
            .env("PYWASM_INSTALLATION", installed)
            .run()?;
    }

    for installed in [&default, &others[1]] {
        xshell::cmd!(shell, "cargo test --quiet --package pywasm-tests --test size -- --ignored")
            .env("PYWASM_INSTALLATION", installed)
            .run()?;
    }

    for installed in [&speed, &others[1]] {
        xshell::cmd!(
            shell,
            "cargo test --quiet --package pywasm-tests --test snapshot -- --ignored"
        )
        .env("PYWASM_INSTALLATION", installed)
        .run()?;
    }

    title("audit and stubs of a libpython without the libraries beside it");
    for installed in [&full, &others[1]] {
        xshell::cmd!(shell, "cargo test --quiet --package pywasm-tests --test stubs -- --ignored")
            .env("PYWASM_INSTALLATION", installed)
            .run()?;
    }

    title("a recipe that declares what stands in for what nothing has");
    declared::run(&tool)?;

    title("in crates: the examples, the templates, the guide");
    embed::run(&tool, &source_tree(&tool, &full)?)?;

    title("without a seed and without reuse the same bytes come out");
    same_bytes_without_seed(&tool, &shell)?;

    title("CPython's own tests");
    let tests: Vec<&str> = args.tests.iter().map(String::as_str).collect();
    for (version, recipe) in
        [("3.13", "default"), ("3.13", "full"), ("3.13", "speed"), ("3.14", "speed")]
    {
        let mut words = vec!["verify", "--python", version, "--recipe", recipe, "--tests"];
        words.extend(&tests);
        tool.call(&words).run()?;
    }
    Ok(())
}

/// CPython's sources in the store, of the release that is installed.
pub(crate) fn source_tree(tool: &Tool<'_>, installed: &Path) -> anyhow::Result<PathBuf> {
    let version = manifest(installed, "/python/version")?;
    let sources = tool.store().join("cache/sources-v0");
    for entry in std::fs::read_dir(&sources)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(&format!("cpython-{version}-")) {
            return Ok(path);
        }
    }
    anyhow::bail!("`{}` has no CPython {version}", sources.display())
}

fn title(text: &str) {
    eprintln!("\n-- {text}");
}

/// Runs Python on the installation's release and compares what it says of itself.
fn says_its_version(tool: &Tool<'_>, installed: &Path) -> anyhow::Result<()> {
    let version = manifest(installed, "/python/version")?;
    let recipe = manifest(installed, "/recipe/name")?;
    let code = "import platform, sys; print(platform.python_version(), sys.platform)";
    let words = ["run", "--python", &version, "--recipe", &recipe, "-c", code];
    let said = tool.call(&words).read()?;
    anyhow::ensure!(said == format!("{version} wasi"), "it says `{said}`");
    eprintln!("   Python says: {said}");
    Ok(())
}

/// Recipe `speed` of a release, whose loop over bytecode has to be one that is known how to be written anew.
fn with_its_loop(tool: &Tool<'_>, version: &str) -> anyhow::Result<PathBuf> {
    let words = ["install", "--python", version, "--recipe", "speed"];
    let output = tool.call(&words).ignore_status().output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    eprintln!("{said}");
    anyhow::ensure!(output.status.success(), "recipe `speed` of {version} can't be installed");
    anyhow::ensure!(!said.contains("stays as it was compiled"), "{version} has a slow loop");
    let installed = PathBuf::from(String::from_utf8(output.stdout)?.trim_end());
    says_its_version(tool, &installed)?;
    Ok(installed)
}

/// Starts an install, kills it while it compiles, starts two at once; both must end well
/// with one and the same installation.
fn killed_then_two_at_once(tool: &Tool<'_>) -> anyhow::Result<PathBuf> {
    let start = || {
        Command::new(tool.binary())
            .args(["pywasm", "install", "--recipe", "full"])
            .env("PYWASM_STORE", tool.store())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start the tool")
    };
    let builds = tool.store().join("cache/builds-v0");
    let mut victim = start()?;
    // Until it is in the middle: configured, and at work on the objects.
    while !any_log(&builds, "full", "make-objects")? {
        anyhow::ensure!(victim.try_wait()?.is_none(), "it ended before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    victim.kill()?;
    victim.wait()?;
    let (one, two) = (start()?, start()?);
    let (one, two) = (one.wait_with_output()?, two.wait_with_output()?);
    anyhow::ensure!(one.status.success() && two.status.success(), "one of two failed");
    anyhow::ensure!(one.stdout == two.stdout, "two installations, not one");
    let path = PathBuf::from(String::from_utf8(one.stdout)?.trim_end());
    anyhow::ensure!(path.join("manifest.json").exists(), "`{}` is not whole", path.display());
    Ok(path)
}

fn any_log(builds: &Path, recipe: &str, step: &str) -> anyhow::Result<bool> {
    let Ok(entries) = std::fs::read_dir(builds) else { return Ok(false) };
    for entry in entries {
        let dir = entry?.path();
        let named = dir.file_name().is_some_and(|name| name.to_string_lossy().contains(recipe));
        let Ok(logs) = std::fs::read_dir(dir.join("logs")) else { continue };
        for log in logs {
            if named && log?.file_name().to_string_lossy().contains(step) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The interpreter imports nothing but WASI: then nothing of libpython was left undefined.
fn has_nothing_undefined(installed: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(installed.join("manifest.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)?;
    let imports = manifest["imports"].as_array().context("no imports in the manifest")?;
    let foreign: Vec<_> = imports
        .iter()
        .filter(|name| {
            !name.as_str().is_some_and(|name| name.starts_with("wasi_snapshot_preview1."))
        })
        .collect();
    anyhow::ensure!(foreign.is_empty() && !imports.is_empty(), "foreign imports: {foreign:?}");
    Ok(())
}

/// Builds `full` again, in another store, with everything asked and compiled, and compares the
/// digests of all files that are linked or run, `pyconfig.h` among them.
fn same_bytes_without_seed(tool: &Tool<'_>, shell: &Shell) -> anyhow::Result<()> {
    let other_store = tool.store().with_extension("unseeded");
    if other_store.exists() {
        std::fs::remove_dir_all(&other_store)?;
    }
    std::fs::create_dir_all(other_store.join("cache"))?;
    // The same downloads and toolchain; sources and builds at another place.
    for bucket in ["downloads-v0", "toolchains-v0"] {
        std::os::unix::fs::symlink(
            tool.store().join("cache").join(bucket),
            other_store.join("cache").join(bucket),
        )?;
    }
    let other = Tool::build(shell, &other_store)?;
    // The first one took objects of `default`; the second compiles everything.
    let seeded = tool.install(&["--recipe", "full"])?;
    let unseeded = other.install(&["--recipe", "full", "--no-seed"])?;
    let files = |root: &Path| -> anyhow::Result<serde_json::Value> {
        let text = std::fs::read_to_string(root.join("manifest.json"))?;
        Ok(serde_json::from_str::<serde_json::Value>(&text)?["files"].take())
    };
    let header = |root: &Path| std::fs::read(root.join("include/python3.13/pyconfig.h"));
    anyhow::ensure!(header(&seeded)? == header(&unseeded)?, "another pyconfig.h without the seed");
    let (seeded, unseeded) = (files(&seeded)?, files(&unseeded)?);
    for (name, file) in seeded.as_object().context("no files in the manifest")? {
        // The zip holds sysconfig data, which names the toolchain's place in the store.
        if !name.ends_with(".zip") {
            anyhow::ensure!(*file == unseeded[name], "`{name}` differs without the seed");
        }
    }
    std::fs::remove_dir_all(&other_store)?;
    Ok(())
}
