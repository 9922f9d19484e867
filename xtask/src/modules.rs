//! The table of extension modules in the guide, from the manifests of installations.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pywasm_stubs::Link;
use xshell::Shell;

use crate::bench::grouped;
use crate::tool::{Tool, e2e_store, manifest, root};

const PAGE: &str = "docs/guide/library.md";
const START: &str = "<!-- modules -->\n";
const END: &str = "<!-- end -->\n";

/// The symbols that programs which embed Python call.
const API: [&str; 4] =
    ["Py_FinalizeEx", "Py_InitializeFromConfig", "Py_RunMain", "PyImport_Import"];

/// The limits of single modules on WASI.
const LIMITS: &[(&str, &str)] = &[
    ("_pywasm_kdf", "`pbkdf2_hmac` and `scrypt` of `hashlib`"),
    ("_signal", "no signal arrives from outside"),
    ("_socket", "constants and types only"),
    ("_sqlite3", "[databases](#databases)"),
    ("_thread", "no thread can be started"),
    ("select", "files, standard input and output"),
];

/// An installation whose modules the table shows.
struct Installed {
    /// The recipe and the series.
    name: String,
    modules: BTreeSet<String>,
}

/// Installs the recipes and writes the table.
pub(crate) fn run() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::tested(&shell, &e2e_store())?;
    let full = tool.install(&["--python", "3.14", "--recipe", "full"])?;
    let installed = [
        tool.install(&["--python", "3.13", "--recipe", "default"])?,
        tool.install(&["--python", "3.13", "--recipe", "full"])?,
        full.clone(),
    ];
    let installed = installed.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let page = std::fs::read_to_string(root().join(PAGE))?;
    let (before, rest) = page.split_once(START).context("the page has no table of modules")?;
    let (_, after) = rest.split_once(END).context("the table of modules does not end")?;
    let table = table(&installed, &sizes(&full, &installed)?);
    std::fs::write(root().join(PAGE), format!("{before}{START}{table}{END}{after}"))?;
    Ok(())
}

/// Checks that the table names exactly the modules of these installations as present.
pub(crate) fn check(installations: &[&PathBuf]) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(root().join(PAGE))?;
    let table = page.split_once(START).and_then(|(_, rest)| rest.split_once(END));
    let (table, _) = table.context("the page has no table of modules")?;
    for path in installations {
        let Installed { name, modules } = read(path)?;
        let has = |line: &&str| !line.rsplit('|').nth(1).unwrap_or_default().contains(&name);
        let lines = table.lines().skip(2).filter(has);
        let listed: BTreeSet<String> =
            lines.filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect();
        anyhow::ensure!(
            listed == modules,
            "{PAGE} and the modules of {name} differ in {:?}: run `cargo xtask modules`",
            listed.symmetric_difference(&modules).collect::<Vec<_>>()
        );
    }
    Ok(())
}

fn read(installation: &Path) -> anyhow::Result<Installed> {
    let text = std::fs::read_to_string(installation.join("manifest.json"))?;
    let json: serde_json::Value = serde_json::from_str(&text)?;
    let names = json.pointer("/modules/builtin").and_then(serde_json::Value::as_array);
    let names = names.context("the manifest has no modules")?.iter();
    // Test modules are of no use to programs.
    let is_test = |name: &&str| ["_test", "_xx", "xx"].iter().any(|it| name.starts_with(it));
    let names = names.filter_map(|name| name.as_str()).filter(|name| !is_test(name));
    let modules = names.map(str::to_owned).collect();
    let recipe = manifest(installation, "/recipe/name")?;
    Ok(Installed {
        name: format!("{recipe} {}", manifest(installation, "/python/series")?),
        modules,
    })
}

/// Returns the bytes of the objects that each module adds to a link of libpython.
fn sizes(installation: &Path, installed: &[Installed]) -> anyhow::Result<BTreeMap<String, u64>> {
    let series = manifest(installation, "/python/series")?;
    let archive = installation.join(format!("lib/libpython{series}.a"));
    let objects = pywasm_stubs::members("libpython", &std::fs::read(archive)?)?;
    let mut link = Link::new();
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    for object in objects {
        *bytes.entry(object.name.clone()).or_default() += object.size;
        // This object refers to all modules.
        if object.name != "libpython(config.o)" {
            link.push(object, true);
        }
    }
    API.iter().for_each(|symbol| link.root(symbol));
    let base: BTreeSet<String> = link.closure().pulled.into_iter().collect();
    let modules: BTreeSet<&String> = installed.iter().flat_map(|one| &one.modules).collect();
    let size = |module: &&String| {
        let mut link = link.clone();
        link.root(&format!("PyInit_{module}"));
        let added = link.closure().pulled.into_iter().filter(|name| !base.contains(name));
        ((*module).clone(), added.map(|name| bytes[&name]).sum())
    };
    Ok(modules.iter().map(size).collect())
}

fn table(installed: &[Installed], sizes: &BTreeMap<String, u64>) -> String {
    let mut text = String::from("| module | bytes | limits | not in |\n|---|---:|---|---|\n");
    for (module, size) in sizes {
        let lacks = installed.iter().filter(|one| !one.modules.contains(module));
        let lacks = lacks.map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
        let limits = LIMITS.iter().find(|(name, _)| name == module).map_or("", |(_, text)| text);
        // Modules that the interpreter always needs add nothing.
        let size = if *size == 0 { String::new() } else { grouped(*size) };
        let _ = writeln!(text, "| `{module}` | {size} | {limits} | {lacks} |");
    }
    text
}
